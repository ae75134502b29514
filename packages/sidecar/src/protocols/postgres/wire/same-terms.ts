import type { PostgresQuery } from "@countersign/policy";

/** Whether two operations have the same bind values, of the same types. */
export function sameValues(one: PostgresQuery, other: PostgresQuery): boolean {
  return JSON.stringify([one.parameters, one.types]) === JSON.stringify([other.parameters, other.types]);
}

/** Whether EXECUTE and FETCH run the same statements. */
export function sameTexts(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
