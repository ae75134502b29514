import type { Requirement } from "../decision.ts";

/** The least number of people that can satisfy all requirements: a vote counts for each of them, and once within one. */
export function peopleNeeded(requirements: readonly Requirement[]): number {
  return Math.max(0, ...requirements.map(({ stages }) => stages.reduce((sum, { count }) => sum + count, 0)));
}

/** Everybody who may approve from the start, whatever the stage. */
export function approversOf(requirements: readonly Requirement[]): ReadonlySet<string> {
  return new Set(requirements.flatMap(({ stages }) => stages.flatMap(({ approvers }) => approvers)));
}
