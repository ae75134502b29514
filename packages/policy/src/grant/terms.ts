import type { GrantBounds } from "../decision.ts";
import { CountersignError } from "../outcome.ts";
import { type Bound, boundMistake } from "./bound.ts";

/** A bound on one value of an operation, by the value's name. */
export interface ValueBound {
  readonly value: string;
  readonly bound: Bound;
}

/** What an approver turns a vote into: a standing approval of so many uses, for so long, with these bounds on values. */
export interface GrantTerms {
  readonly uses: number;
  /** From the moment that it is in force, milliseconds. */
  readonly ttlMs: number;
  /** A value that none is given for must be the approved one. */
  readonly bounds: readonly ValueBound[];
}

const mostBounds = 100;

/**
 * Terms in their one form, checked against what the rules permit: people who mean the same sign the same.
 *
 * @throws {CountersignError} `grant_too_wide` when a rule does not permit it; `invalid_request` when they are not terms.
 */
export function checkedTerms({ uses, ttlMs, bounds }: GrantTerms, permitted: GrantBounds | undefined): GrantTerms {
  if (permitted === undefined) {
    throw new CountersignError(
      "grant_too_wide",
      "The rules that hold this request do not let an approval stand: approve it alone.",
    );
  }
  if (!Number.isSafeInteger(uses) || uses < 1) throw invalid("The grant needs a number of uses, at least 1.");
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1000) throw invalid("The grant needs a lifetime, at least a second.");
  if (uses > permitted.maxUses) {
    throw new CountersignError("grant_too_wide", `The rules permit at most ${permitted.maxUses} uses, not ${uses}.`);
  }
  if (ttlMs > permitted.maxTtlMs) {
    const seconds = Math.floor(permitted.maxTtlMs / 1000);
    throw new CountersignError("grant_too_wide", `The rules permit at most ${seconds} seconds, not ${ttlMs / 1000}.`);
  }
  if (bounds.length > mostBounds) throw invalid(`The grant has more than ${mostBounds} bounds.`);
  if (new Set(bounds.map(({ value }) => value)).size < bounds.length) throw invalid("The grant bounds a value twice.");
  for (const { value, bound } of bounds) {
    const mistake = boundMistake(bound);
    if (mistake !== undefined) throw invalid(`The bound on ${JSON.stringify(value.slice(0, 100))} ${mistake}.`);
  }
  return { uses, ttlMs, bounds: bounds.map(inOneForm).sort((a, b) => (a.value < b.value ? -1 : 1)) };
}

function inOneForm({ value, bound }: ValueBound): ValueBound {
  return bound.type === "one_of" ? { value, bound: { ...bound, values: [...new Set(bound.values)].sort() } } : { value, bound };
}

function invalid(message: string): CountersignError {
  return new CountersignError("invalid_request", message);
}
