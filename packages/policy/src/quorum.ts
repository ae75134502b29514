import type { Approval, Requirement, Stage } from "./decision.ts";
import type { Approver, Vote, Voter } from "./vote.ts";

/** How far one stage is. */
export interface StageProgress {
  readonly stage: Stage;
  /** Distinct people who agreed and count towards this stage. */
  readonly approved: number;
  readonly satisfied: boolean;
  /** Since when it is its turn, milliseconds since the Unix epoch; absent while stages before it wait. */
  readonly sinceMs?: number;
}

/** How far one rule's requirement is. */
export interface RequirementProgress {
  readonly requirement: Requirement;
  readonly stages: readonly StageProgress[];
  readonly satisfied: boolean;
  /** Whether somebody whom the rule names for it approved it alone, in an emergency. */
  readonly brokeGlass: boolean;
}

/** The verdict of the votes so far. */
export interface Quorum {
  readonly verdict: "waiting" | "approved" | "denied";
  readonly requirements: readonly RequirementProgress[];
}

/** The people who may not vote on a request: its principal and the principal's owner. */
export type Excluded = readonly Pick<Approver, "issuer" | "subject">[];

/** What votes are counted by besides what the rules ask for. */
export interface Circumstances {
  readonly excluded: Excluded;
  /** When the request was opened, milliseconds since the Unix epoch: the first stages have waited since then. */
  readonly openedMs: number;
  /** Whether a person's right to decide was taken back: it counts in nobody's hands. Absent = nobody's was. */
  readonly isLocked?: (person: Voter) => boolean;
}

/** The person behind an account: several accounts may belong to one. */
export function personOf({ accounts, subject }: Pick<Voter, "accounts" | "subject">): string {
  return accounts?.[0] ?? subject;
}

function namesOf({ accounts = [], subject }: Pick<Voter, "accounts" | "subject">): readonly string[] {
  return [subject, ...accounts];
}

/** Everybody whom a stage asks after it has waited for so long: time adds people, and takes none away. */
export function askedAfter(stage: Stage, waitedMs: number): readonly string[] {
  const added = (stage.escalate ?? []).filter(({ afterMs }) => waitedMs >= afterMs);
  return added.length === 0 ? stage.approvers : [...new Set([...stage.approvers, ...added.flatMap(({ to }) => to)])];
}

/** Whether an approver is among those named (`group:NAME`, `user:SUBJECT`), by their own right or by that of somebody who delegated it. */
export function isNamedBy(names: readonly string[], approver: Approver): boolean {
  return rightsOf(approver).some((holder) => isNamed(names, holder));
}

/** The people by whose right somebody may vote: their own first. */
function rightsOf(approver: Approver): readonly Voter[] {
  return [approver, ...(approver.actingFor ?? [])];
}

function isNamed(names: readonly string[], holder: Voter): boolean {
  return names.some((name) =>
    name.startsWith("group:") ? holder.groups.includes(name.slice(6)) : namesOf(holder).includes(name.slice(5)),
  );
}

/**
 * Whether a person is one of the excluded, under any account, or acts for one of them. The subject alone decides: an agent's token and a
 * person's sign-in come from different issuers, and the same name behind another issuer must not be a second person.
 */
export function isExcluded(excluded: Excluded, approver: Pick<Approver, "subject" | "accounts" | "actingFor">): boolean {
  const names = new Set([approver, ...(approver.actingFor ?? [])].flatMap(namesOf));
  return excluded.some(({ subject }) => names.has(subject));
}

/**
 * Counts votes (already verified, all over one request digest, in the order in which they were cast) against what the rules ask for. One
 * denial denies. A person counts once, whatever account they used, and a right counts once, whoever holds it: somebody cannot become two by
 * delegating. A stage counts only votes that were cast once all earlier stages of its rule were satisfied, and those of added people only once
 * their time had come. A rule that names people for emergencies is satisfied by one of them who says that it is one.
 */
export function quorum(approval: Approval, votes: readonly Vote[], circumstances: Circumstances): Quorum {
  const eligible = votes.filter((vote) => !isExcluded(circumstances.excluded, vote.approver));
  const approving = eligible.filter(
    ({ verdict, approver }) => verdict === "approve" && circumstances.isLocked?.(approver) !== true,
  );
  const requirements = approval.requirements.map((requirement) => progress(requirement, approving, circumstances));
  // Whoever is locked may still have said no.
  const denied = eligible.some((vote) => vote.verdict === "deny");
  const satisfied = requirements.length > 0 && requirements.every((one) => one.satisfied);
  return { verdict: denied ? "denied" : satisfied ? "approved" : "waiting", requirements };
}

function progress(
  requirement: Requirement,
  votes: readonly Vote[],
  { openedMs, isLocked = () => false }: Circumstances,
): RequirementProgress {
  let from = 0;
  let sinceMs: number | undefined = openedMs;
  const counted = new Set<string>();
  const stages = requirement.stages.map((stage): StageProgress => {
    if (sinceMs === undefined) return { stage, approved: 0, satisfied: false };
    const began: number = sinceMs;
    let approved = 0;
    let last = began;
    for (; from < votes.length && approved < stage.count; from++) {
      const vote = votes[from];
      if (vote === undefined || counted.has(personOf(vote.approver))) continue;
      const asked = askedAfter(stage, vote.timeMs - began);
      const right = rightsOf(vote.approver).find(
        (holder) => !counted.has(personOf(holder)) && !isLocked(holder) && isNamed(asked, holder),
      );
      if (right === undefined) continue;
      counted.add(personOf(vote.approver)).add(personOf(right));
      approved++;
      last = vote.timeMs;
    }
    const satisfied = stage.count > 0 && approved >= stage.count;
    sinceMs = satisfied ? last : undefined;
    return { stage, approved, satisfied, sinceMs: began };
  });
  const brokeGlass = votes.some((vote) => vote.breakGlass === true && mayBreakGlass(requirement, vote.approver));
  return {
    requirement,
    stages,
    brokeGlass,
    satisfied: brokeGlass || (stages.length > 0 && stages.every((one) => one.satisfied)),
  };
}

/** Whether a rule names somebody for emergencies. Nobody can delegate that: it is about who is there and knows what they do. */
export function mayBreakGlass({ breakGlass }: Requirement, approver: Approver): boolean {
  return breakGlass !== undefined && isNamed(breakGlass.approvers, approver);
}
