import type { Bound, GrantBounds, GrantTerms } from "../api/model.ts";
import { duration, plural } from "./time.ts";

/** What a person may let one value be. */
export type BoundKind = "exact" | Bound["type"];

/** The fields for one value; those of other kinds are kept, so that changing one's mind loses nothing. */
export interface BoundFields {
  readonly kind: BoundKind;
  readonly prefix: string;
  /** One value on each line. */
  readonly list: string;
  readonly min: string;
  readonly max: string;
}

/** Seconds of each unit that a time can be given in. */
const unitSeconds = { minutes: 60, hours: 3600, days: 86_400 } as const;

/** A unit of time. */
export type Unit = keyof typeof unitSeconds;

/** What is filled in to make a grant. */
export interface GrantFields {
  readonly uses: string;
  readonly time: string;
  readonly unit: Unit;
  readonly bounds: Readonly<Record<string, BoundFields>>;
}

const noBound: BoundFields = { kind: "exact", prefix: "", list: "", min: "", max: "" };

/** The fields for one value, by its name. */
export function boundFields(fields: GrantFields, name: string): BoundFields {
  return (Object.hasOwn(fields.bounds, name) ? fields.bounds[name] : undefined) ?? noBound;
}

/** The form as it opens: few uses, a short time, every value exactly as it is. Wider is a choice. */
export function narrowFields({ maxUses, maxTtlSeconds }: GrantBounds): GrantFields {
  return { uses: String(Math.min(5, maxUses)), ...timeFields(Math.min(3600, maxTtlSeconds)), bounds: {} };
}

/** The form with the terms that somebody else agreed to: a grant needs all votes to agree to the same. */
export function fieldsOf({ uses, ttlSeconds, bounds }: GrantTerms): GrantFields {
  return {
    uses: String(uses),
    ...timeFields(ttlSeconds),
    bounds: Object.fromEntries(bounds.map(({ value, bound }) => [value, fieldsOfBound(bound)])),
  };
}

function fieldsOfBound(bound: Bound): BoundFields {
  switch (bound.type) {
    case "any":
      return { ...noBound, kind: "any" };
    case "prefix":
      return { ...noBound, kind: "prefix", prefix: bound.prefix };
    case "one-of":
      return { ...noBound, kind: "one-of", list: bound.values.join("\n") };
    case "range":
      return { ...noBound, kind: "range", min: bound.min, max: bound.max };
  }
}

function timeFields(seconds: number): { readonly time: string; readonly unit: Unit } {
  const unit = seconds % 86_400 === 0 ? "days" : seconds % 3600 === 0 ? "hours" : "minutes";
  return { time: String(seconds / unitSeconds[unit]), unit };
}

/** The terms that the fields make, or what is wrong with them, by the field's name. */
export type ReadGrant = { readonly terms: GrantTerms } | { readonly mistakes: Readonly<Record<string, string>> };

/** Reads the form. The server checks again: this is for who fills it in. */
export function readGrant(fields: GrantFields, permitted: GrantBounds): ReadGrant {
  const mistakes: Record<string, string> = {};
  const uses = /^\d{1,9}$/.test(fields.uses.trim()) ? Number(fields.uses) : 0;
  if (uses < 1 || uses > permitted.maxUses)
    mistakes.uses = `Give a number from 1 to ${permitted.maxUses.toLocaleString("en-US")}.`;
  const time = /^\d{1,9}(?:\.\d{1,3})?$/.test(fields.time.trim()) ? Number(fields.time) : 0;
  const ttlSeconds = Math.round(time * unitSeconds[fields.unit]);
  if (ttlSeconds < 1 || ttlSeconds > permitted.maxTtlSeconds) {
    mistakes.time = `Give a time of at most ${duration(permitted.maxTtlSeconds * 1000)}.`;
  }
  const bounds = permitted.values.flatMap(({ name }) => {
    const read = readBound(boundFields(fields, name));
    if (typeof read === "string") mistakes[name] = read;
    return read === undefined || typeof read === "string" ? [] : [{ value: name, bound: read }];
  });
  return Object.keys(mistakes).length > 0 ? { mistakes } : { terms: { uses, ttlSeconds, bounds } };
}

const decimal = /^-?\d+(?:\.\d+)?$/;

/** A bound, nothing for the value as it is, or what is wrong. */
function readBound({ kind, prefix, list, min, max }: BoundFields): Bound | string | undefined {
  switch (kind) {
    case "exact":
      return undefined;
    case "any":
      return { type: "any" };
    case "prefix":
      return prefix === "" ? "Say what it has to begin with." : { type: "prefix", prefix };
    case "one-of": {
      const values = [...new Set(list.split("\n").filter((line) => line !== ""))];
      return values.length === 0 ? "Give one value on each line." : { type: "one-of", values };
    }
    case "range": {
      const [low, high] = [min.trim(), max.trim()];
      if (!decimal.test(low) || !decimal.test(high)) return "Give two plain decimal numbers, e.g. 1 and 1000.";
      return Number(low) > Number(high) ? "The first number is larger than the second." : { type: "range", min: low, max: high };
    }
  }
}

/** How much is permitted, in words: `At most 20 times, for at most 8 hours.` */
export function permittedWords({ maxUses, maxTtlSeconds }: GrantBounds): string {
  return `The rules permit at most ${plural(maxUses, "time")}, for at most ${duration(maxTtlSeconds * 1000)}.`;
}
