import {
  type Approval,
  type Excluded,
  isExcluded,
  isNamedBy,
  mayBreakGlass,
  personOf,
  type Requirement,
  type Stage,
  type Voter,
} from "@countersign/policy";
import type { Directory } from "./directory.ts";

/** People who are alike: named by the same stages and for the same emergencies. One entry for each requirement. */
interface Kind {
  readonly people: number;
  readonly stages: readonly (readonly boolean[])[];
  readonly breaks: readonly boolean[];
}

/** How far each requirement is: its stage, how many agreed in it; at the end, `stage` is past the last. */
type Progress = readonly { readonly stage: number; readonly agreed: number }[];

/** How many states are looked at before a request is given the benefit of the doubt: it waits and expires then, and nothing runs. */
const mostStates = 20_000;

/**
 * Why nobody could ever approve something, whoever of the people that there are would agree; undefined when they could. A person votes once on
 * a request, and that vote counts for every rule at once, for the stage that each of them has reached. Whom time adds counts as there; whom only
 * a sign-in tells of does too.
 */
export function unanswerable(approval: Approval, excluded: Excluded, directory: Directory): string | undefined {
  const people = candidates(approval, excluded, directory);
  const requirements = approval.requirements.map((one) => known(one, approval, directory));
  for (const requirement of requirements) {
    if (requirement === "open") continue;
    if (!reachable([requirement], people)) return complaint(requirement, people);
  }
  const closed = requirements.filter((one) => one !== "open");
  if (reachable(closed, people)) return undefined;
  const rules = closed.map(({ rule }) => rule).join(", ");
  return `Nobody can approve this: the rules ${rules} need more different people together than there are. ${remedy}`;
}

const remedy = "Whoever asks, or owns the one who asks, cannot. The operator has to name more people.";

function complaint({ rule, stages }: Requirement, people: readonly Voter[]): string {
  for (const [index, { approvers, count }] of stages.entries()) {
    const able = people.filter((one) => isNamed(approvers, one)).length;
    if (able >= count) continue;
    const stage = stages.length === 1 ? "" : ` in stage ${index + 1}`;
    const who = able === 0 ? "nobody" : `only ${able}`;
    return `Nobody can approve this: the rule ${rule} asks for ${count} of ${approvers.join(", ")}${stage}, and ${who} could agree. ${remedy}`;
  }
  const all = stages.map(({ approvers, count }) => `${count} of ${approvers.join(", ")}`).join(", then ");
  return `Nobody can approve this: the rule ${rule} asks for ${all}, all different people, and there are not as many. ${remedy}`;
}

/** A requirement with those whom time adds, and without the stages that somebody unknown could satisfy; `open` = nobody knows. */
function known(requirement: Requirement, { expiresMs }: Approval, directory: Directory): Requirement | "open" {
  const { breakGlass } = requirement;
  if (breakGlass?.approvers.some((name) => isUnknown(name, directory)) === true) return "open";
  const stages = requirement.stages
    .map(({ approvers, count, escalate = [] }): Stage => {
      const added = escalate.filter(({ afterMs }) => afterMs < expiresMs).flatMap(({ to }) => to);
      return { count, approvers: [...new Set([...approvers, ...added])] };
    })
    .filter(({ approvers }) => !approvers.some((name) => isUnknown(name, directory)));
  return stages.length === 0 && requirement.stages.length > 0 ? "open" : { ...requirement, stages };
}

function isUnknown(name: string, directory: Directory): boolean {
  return membersOf(name, directory) === "unknown";
}

function membersOf(name: string, directory: Directory): readonly Voter[] | "unknown" {
  if (name.startsWith("group:")) return directory.members(name.slice(6));
  const person = directory.person(name.slice(5));
  return person === "unknown" ? person : person === undefined ? [] : [person];
}

/** Everybody who is named anywhere and may decide, each once. */
function candidates({ requirements }: Approval, excluded: Excluded, directory: Directory): readonly Voter[] {
  const names = requirements.flatMap(({ stages, breakGlass }) => [
    ...stages.flatMap(({ approvers, escalate = [] }) => [...approvers, ...escalate.flatMap(({ to }) => to)]),
    ...(breakGlass?.approvers ?? []),
  ]);
  const found = new Map<string, Voter>();
  for (const name of new Set(names)) {
    const members = membersOf(name, directory);
    if (members !== "unknown") for (const one of members) found.set(personOf(one), one);
  }
  return [...found.values()].filter((one) => !isExcluded(excluded, one));
}

/** Whether some of these people, one after another, satisfy all requirements together. */
function reachable(requirements: readonly Requirement[], people: readonly Voter[]): boolean {
  const slots = requirements.flatMap(({ stages }) => stages.map(({ count }) => count)).reduce((sum, one) => sum + one, 0);
  const kinds = kindsOf(requirements, people, Math.max(slots, 1));
  const seen = new Set<string>();
  const search = (progress: Progress, left: readonly number[]): boolean => {
    if (progress.every(({ stage }, index) => stage >= (requirements[index]?.stages.length ?? 0))) return true;
    const key = JSON.stringify([progress.map(({ stage, agreed }) => [stage, agreed]), left]);
    if (seen.has(key)) return false;
    if (seen.add(key).size > mostStates) return true;
    return kinds.some((kind, index) => {
      if ((left[index] ?? 0) === 0) return false;
      const next = after(progress, kind, requirements);
      return next !== undefined && search(next, left.with(index, (left[index] ?? 0) - 1));
    });
  };
  return search(
    requirements.map(() => ({ stage: 0, agreed: 0 })),
    kinds.map(({ people: count }) => count),
  );
}

/** The progress when somebody of a kind agrees; undefined when that brings nothing. */
function after(progress: Progress, kind: Kind, requirements: readonly Requirement[]): Progress | undefined {
  let moved = false;
  const next = progress.map((one, index) => {
    const stages = requirements[index]?.stages ?? [];
    const stage = stages[one.stage];
    if (stage === undefined) return one;
    if (kind.breaks[index] === true) {
      moved = true;
      return { stage: stages.length, agreed: 0 };
    }
    if (kind.stages[index]?.[one.stage] !== true) return one;
    moved = true;
    return one.agreed + 1 < stage.count ? { ...one, agreed: one.agreed + 1 } : { stage: one.stage + 1, agreed: 0 };
  });
  return moved ? next : undefined;
}

/** People by what they can do; more of a kind than there is to do make no difference. */
function kindsOf(requirements: readonly Requirement[], people: readonly Voter[], most: number): readonly Kind[] {
  const kinds = new Map<string, Kind>();
  for (const person of people) {
    const stages = requirements.map((one) => one.stages.map(({ approvers }) => isNamed(approvers, person)));
    const breaks = requirements.map((one) => mayBreakGlass(one, { issuer: "", ...person }));
    const key = JSON.stringify([stages, breaks]);
    const before = kinds.get(key)?.people ?? 0;
    kinds.set(key, { stages, breaks, people: Math.min(before + 1, most) });
  }
  return [...kinds.values()];
}

function isNamed(names: readonly string[], person: Voter): boolean {
  return isNamedBy(names, { issuer: "", ...person });
}
