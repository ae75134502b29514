import { approversOf, peopleNeeded } from "../comparison/people.ts";
import type { Limits, Requirement } from "../decision.ts";
import type { RecordedDecision } from "./recorded-action.ts";

/** How one set of terms compares with an earlier one. */
type Shift = "same" | "stricter" | "looser" | "different";

/** Compares what lets an action run now with what let it run then; what was not recorded is not compared. */
export function shiftOf(was: RecordedDecision, now: RecordedDecision): Shift {
  return combined([
    was.role === undefined || now.role === undefined || was.role === now.role ? "same" : "different",
    was.limits && now.limits ? limitShift(was.limits, now.limits) : "same",
    was.requirements && now.requirements ? approvalShift(was.requirements, now.requirements) : "same",
  ]);
}

function limitShift(was: Limits, now: Limits): Shift {
  const [masksNow, masksThen] = [new Set(now.masks), new Set(was.masks)];
  return combined([
    ...(["rows", "bytes", "timeMs"] as const).map((limit) => numberShift(now[limit] ?? Infinity, was[limit] ?? Infinity)),
    // What more is hidden is stricter.
    setShift(masksThen, masksNow),
  ]);
}

/** A higher first number is stricter. */
function numberShift(stricter: number, looser: number): Shift {
  return stricter === looser ? "same" : stricter < looser ? "stricter" : "looser";
}

function approvalShift(was: readonly Requirement[], now: readonly Requirement[]): Shift {
  if (words(was) === words(now)) return "same";
  const shift = combined([numberShift(-peopleNeeded(now), -peopleNeeded(was)), setShift(approversOf(now), approversOf(was))]);
  // The same people in other stages, or others asked later.
  return shift === "same" ? "different" : shift;
}

/** Fewer people to choose from are stricter. */
function setShift(now: ReadonlySet<string>, was: ReadonlySet<string>): Shift {
  const [added, removed] = [!isSubset(now, was), !isSubset(was, now)];
  if (added && removed) return "different";
  return added ? "looser" : removed ? "stricter" : "same";
}

/** What all of them come to: one that is looser and one that is stricter are neither. */
function combined(shifts: readonly Shift[]): Shift {
  const found = [...new Set(shifts.filter((shift) => shift !== "same"))];
  return found.length === 0 ? "same" : found.length === 1 && found[0] ? found[0] : "different";
}

/** The requirements without the names of their rules. */
function words(requirements: readonly Requirement[]): string {
  const texts = requirements.map(({ stages, breakGlass = null }) =>
    JSON.stringify([stages.map(({ approvers, count, escalate = [] }) => [approvers.toSorted(), count, escalate]), breakGlass]),
  );
  return texts.sort().join("; ");
}

function isSubset(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  return [...inner].every((one) => outer.has(one));
}
