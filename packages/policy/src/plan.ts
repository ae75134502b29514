import type { Action, LineOperation, LineTerms, Plan } from "./action.ts";
import type { Vote } from "./vote.ts";

/** One line of a plan as it is approved: an action of its own. */
export interface LineAction extends Action {
  readonly operation: LineOperation;
}

/** What a plan's lines have in common: each name once, sorted. Names hold no comma. */
export function planNames(names: readonly string[]): string {
  return [...new Set(names)].sort().join(", ");
}

/** The resources of an action: one, or those of a plan's lines. */
export function resourcesOf({ resource }: Pick<Action, "resource">): readonly string[] {
  return resource.split(", ");
}

/** A plan of lines as it is approved. `terms` are in the order of the lines. */
export function planAction(plan: Plan, terms: readonly LineTerms[], principal: Action["principal"]): Action {
  const { issuer, subject, groups } = principal;
  const resource = planNames(plan.lines.map((line) => line.resource));
  return {
    operation: plan,
    resource,
    target: { type: "plan", address: resource },
    principal: { issuer, subject, groups },
    role: planNames(terms.map(({ role }) => role)),
    lines: terms,
  };
}

/** One line of an approved plan, from 0, as the action that it is; undefined when the action has no such line. */
export function lineAction({ operation, principal, lines = [] }: Action, line: number): LineAction | undefined {
  const asked = operation.kind === "plan" ? operation.lines[line] : undefined;
  const terms = lines[line];
  if (asked === undefined || terms === undefined) return undefined;
  const { target, role } = terms;
  return { operation: asked.operation, resource: asked.resource, target, principal, role };
}

/** The lines, from 0, that anybody who approved struck out: such a line does not run, whoever else agreed to it. */
export function struckLines(votes: readonly Vote[]): ReadonlySet<number> {
  return new Set(votes.flatMap(({ verdict, struck = [] }) => (verdict === "approve" ? struck : [])));
}

/** The lines of a plan of so many that are left, in order. */
export function survivingLines(count: number, votes: readonly Vote[]): readonly number[] {
  const struck = struckLines(votes);
  return Array.from({ length: count }, (_, line) => line).filter((line) => !struck.has(line));
}
