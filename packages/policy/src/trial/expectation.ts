import { approversOf, peopleNeeded } from "../comparison/people.ts";
import { limitWords } from "../comparison/wording.ts";
import type { Approval, Decision, Limits } from "../decision.ts";
import { type Facts, isOpaque } from "../facts.ts";
import type { CountersignError } from "../outcome.ts";
import type { Expectation } from "./trial-schema.ts";

/** What became of an operation: refused before any rule was asked, or decided. */
export type Verdict = { readonly error: CountersignError } | { readonly decision: Decision; readonly facts: Facts };

/** One thing that is not as expected, in words. */
export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** Holds a verdict against what a test expects. What the test does not name is not compared. */
export function differencesOf(expected: Expectation, verdict: Verdict): readonly Difference[] {
  const got = "error" in verdict ? refused(verdict.error) : decided(verdict.decision, verdict.facts);
  const wanted = wantedFields(expected, "error" in verdict ? {} : limitsOf(verdict.decision));
  return Object.entries(wanted).flatMap(([field, want]) => {
    const have = got[field] ?? "none";
    const same = field === "message" ? have.includes(want) : have === want;
    return same ? [] : [{ field, expected: want, got: have }];
  });
}

type Fields = Readonly<Record<string, string>>;

function wantedFields(expected: Expectation, limits: Limits): Fields {
  const { effect, rules, role, approvers, count, signature, justification, message, opaque, error } = expected;
  const all = {
    effect,
    error,
    rules: rules && list(rules),
    role,
    limits: expected.limits && limitWords(only(expected.limits, limits)),
    approvers: approvers && list(approvers),
    count: count?.toString(),
    signature,
    justification,
    message,
    opaque: opaque?.toString(),
  };
  return Object.fromEntries(Object.entries(all).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])));
}

/** The limits that a test names, and of the others those that there are: a limit that is not named is not compared. */
function only({ rows, bytes, time, masks }: NonNullable<Expectation["limits"]>, got: Limits): Limits {
  return {
    ...got,
    ...(rows === undefined ? {} : { rows }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(time === undefined ? {} : { timeMs: time }),
    ...(masks === undefined ? {} : { masks: masks.toSorted() }),
  };
}

function refused({ code, message }: CountersignError): Fields {
  return { effect: "error", error: code, message };
}

function decided(decision: Decision, facts: Facts): Fields {
  return {
    effect: decision.effect,
    rules: list(decision.rules),
    opaque: String(isOpaque(facts)),
    ...(decision.message === undefined ? {} : { message: decision.message }),
    ...(decision.effect === "deny" ? {} : { role: decision.role, limits: limitWords(decision.limits) }),
    ...(decision.effect === "review" ? asked(decision.approval) : {}),
  };
}

function asked({ requirements, justification, signature = "session" }: Approval): Fields {
  return {
    signature,
    approvers: list([...approversOf(requirements)]),
    count: String(peopleNeeded(requirements)),
    justification,
  };
}

function limitsOf(decision: Decision): Limits {
  return decision.effect === "deny" ? {} : decision.limits;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : [...new Set(names)].sort().join(", ");
}
