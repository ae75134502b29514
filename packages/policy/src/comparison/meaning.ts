import type { ASTNode } from "@marcbachmann/cel-js";
import type { Condition, Constant } from "../policy/condition.ts";

/**
 * What a condition says, as a text that is the same however it is laid out, parenthesised and spread over named conditions and variables.
 */
export function meaningOf(condition: Condition): string {
  return meaning(condition.ast, condition);
}

/** The meanings of what is joined by `&&` (or `||`) at the top. */
export function termsOf(condition: Condition, joint: "&&" | "||"): ReadonlySet<string> {
  return new Set(terms(condition.ast, condition, joint));
}

/** The condition's own text without regard to layout: names of conditions and variables count, not what stands behind them. */
export function wordingOf(condition: Condition): string {
  return meaning(condition.ast, undefined);
}

/** The variables that a condition uses itself, with their values. */
export function constantsOf(condition: Condition): ReadonlyMap<string, Constant> {
  const found = new Map<string, Constant>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    if (!isNode(value)) return;
    const [variable, name] = nameIn(value);
    const constant = variable === "variables" ? condition.constants.get(name) : undefined;
    if (constant !== undefined) found.set(name, constant);
    visit(value.args);
  };
  visit(condition.ast);
  return found;
}

function terms(node: ASTNode, within: Condition, joint: "&&" | "||"): readonly string[] {
  if (node.op === joint) return node.args.flatMap((one) => terms(one, within, joint));
  const [variable, name] = nameIn(node);
  const named = variable === "conditions" ? within.conditions.get(name) : undefined;
  return named ? terms(named.ast, named, joint) : [meaning(node, within)];
}

/** @param within where names are looked up; undefined = they stand for themselves. */
function meaning(value: unknown, within: Condition | undefined): string {
  if (Array.isArray(value)) return `[${value.map((one) => meaning(one, within)).join(",")}]`;
  if (!isNode(value)) return `${typeof value}:${typeof value === "bigint" ? value : JSON.stringify(value)}`;
  if (within) {
    const [variable, name] = nameIn(value);
    const named = variable === "conditions" ? within.conditions.get(name) : undefined;
    if (named) return meaning(named.ast, named);
    const constant = variable === "variables" ? within.constants.get(name) : undefined;
    if (constant !== undefined) return constantMeaning(constant);
  }
  return `(${value.op} ${meaning(value.args, within)})`;
}

/** As if the constant were written out: whole numbers are CEL ints. */
function constantMeaning(constant: Constant): string {
  if (typeof constant === "object") return `(list [${constant.map(constantMeaning).join(",")}])`;
  const literal = typeof constant === "number" && Number.isInteger(constant) ? BigInt(constant) : constant;
  return `(value ${meaning(literal, undefined)})`;
}

/** `variables.x` → `["variables", "x"]`. */
function nameIn(node: ASTNode): readonly [variable: string, name: string] {
  return node.op === "." && node.args[0].op === "id" ? [node.args[0].args, node.args[1]] : ["", ""];
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value && "start" in value;
}
