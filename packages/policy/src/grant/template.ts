import type { Operation } from "../action.ts";
import { canonicalDigest, type Digest } from "../canonical.ts";
import type { Facts } from "../facts.ts";
import { CountersignError } from "../outcome.ts";
import { isWithin, type ValueLimit } from "./bound.ts";
import type { Shape, ShapeValue } from "./shape.ts";
import { shapeOf } from "./shapes/shape-of.ts";
import type { ValueBound } from "./terms.ts";

/** What operations a grant covers: one form, and a limit for each of its values. */
export interface GrantTemplate {
  readonly kind: Operation["kind"];
  /** Digest of everything that has to be the same. */
  readonly form: Digest;
  /** In the order of the operation's structure. */
  readonly values: readonly { readonly name: string; readonly limit: ValueLimit }[];
}

/** The values of an operation that can be bounded, in the order of their names; undefined where no grant is possible. */
export function grantableValues(operation: Operation, facts: Facts): readonly ShapeValue[] | undefined {
  const shape = shapeOf(operation, facts);
  return shape?.values.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

/**
 * The template of an operation: every value as it is, but for those that a bound is given for.
 *
 * @throws {CountersignError} `grant_too_wide` where the operation cannot become a grant; `invalid_request` for a bound on a value that the
 * operation does not have.
 */
export function templateOf(operation: Operation, facts: Facts, bounds: readonly ValueBound[]): GrantTemplate {
  const shape = shapeOf(operation, facts);
  if (shape === undefined) {
    throw new CountersignError(
      "grant_too_wide",
      "This cannot become a standing approval: it is not fully understood, or is more than one statement or command.",
    );
  }
  const byName = new Map(bounds.map(({ value, bound }) => [value, bound]));
  const unknown = [...byName.keys()].find((name) => !shape.values.some((one) => one.name === name));
  if (unknown !== undefined) {
    const names = shape.values.map(({ name }) => name).slice(0, 20);
    const has = names.length === 0 ? "has no values" : `has ${names.join(", ")}`;
    throw new CountersignError("invalid_request", `There is no value ${JSON.stringify(unknown)} to bound; the operation ${has}.`);
  }
  return {
    kind: operation.kind,
    form: formOf(shape),
    values: shape.values.map(({ name, value }) => ({ name, limit: byName.get(name) ?? { type: "exact", value } })),
  };
}

/**
 * Whether a template covers an operation, by its own bytes: the same form, and every value within its limit. Never throws: what cannot be
 * compared is not covered.
 */
export function matchesGrant({ kind, form, values }: GrantTemplate, operation: Operation, facts: Facts): boolean {
  if (operation.kind !== kind) return false;
  const taken = takenApart(operation, facts);
  if (taken === undefined || taken.shape.values.length !== values.length || taken.form !== form) return false;
  return taken.shape.values.every(({ value, argument }, index) => {
    const limit = values[index]?.limit;
    return limit !== undefined && isWithin(limit, value, argument);
  });
}

interface TakenApart {
  readonly facts: Facts;
  readonly shape: Shape;
  readonly form: Digest;
}

/** A call may be held against many grants: it is taken apart once. */
const seen = new WeakMap<Operation, TakenApart>();

function takenApart(operation: Operation, facts: Facts): TakenApart | undefined {
  const before = seen.get(operation);
  if (before?.facts === facts) return before;
  const shape = shapeOf(operation, facts);
  if (shape === undefined) return undefined;
  const taken = { facts, shape, form: formOf(shape) };
  seen.set(operation, taken);
  return taken;
}

function formOf({ fixed }: Shape): Digest {
  return canonicalDigest("countersign/grant-form/v1", fixed);
}
