import type { ASTNode } from "@marcbachmann/cel-js";
import { didYouMean, nearest } from "../suggest.ts";
import { ConditionError } from "./compile/context.ts";
import { factTables, fieldsOf, variableNames } from "./environment.ts";
import { childrenOf } from "./syntax.ts";

/** The names that a condition may use besides those that every condition may. */
export interface Names {
  readonly constants: ReadonlySet<string>;
  readonly conditions: ReadonlySet<string>;
}

/** What a condition looks at. */
export interface Uses {
  /** Variables that every condition may use, e.g. `sql`. */
  readonly variables: Set<string>;
  /** Facts and other fields of variables, e.g. `sql.tables`. */
  readonly facts: Set<string>;
  readonly conditions: Set<string>;
}

/** Macros that evaluate their predicate once for each element. */
const loops: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);
const maxLoops = 2;
const reserved: readonly string[] = [...variableNames, "variables", "conditions"];

/**
 * Looks at every part of a condition: what it uses, whether its names are known, and how deep its loops are.
 *
 * @throws {ConditionError} when a name is not known, or loops are too deep.
 */
export function inspect(node: ASTNode, names: Names): Uses {
  const uses: Uses = { variables: new Set(), facts: new Set(), conditions: new Set() };
  visit(node, names, uses, 0);
  return uses;
}

function visit(node: ASTNode, names: Names, uses: Uses, depth: number): void {
  if (node.op === "id" && reserved.includes(node.args)) {
    const fields = node.args === "variables" || node.args === "conditions" ? ["NAME"] : fieldsOf(node.args);
    if (fields)
      throw new ConditionError(`"${node.args}" is followed by a dot and a name, e.g. ${node.args}.${fields[0]}`, node.start);
    uses.variables.add(node.args);
  }
  if (node.op === "." || node.op === ".?") checkGrouped(node.args[0], node.args[1]);
  if ((node.op === "." || node.op === ".?") && node.args[0].op === "id" && useField(node.args[0], node.args[1], names, uses))
    return;
  const loop = node.op === "rcall" && loops.has(node.args[0]) ? node : undefined;
  const inner = loop ? enterLoop(loop, depth) : depth;
  // What a loop goes over is made once, before it.
  for (const child of childrenOf(node)) visit(child, names, uses, child === loop?.args[1] ? depth : inner);
}

/** Whether it is an access to a field of a variable: then all is said about it. */
function useField({ args: variable, start }: Extract<ASTNode, { op: "id" }>, field: string, names: Names, uses: Uses): boolean {
  if (variable === "conditions") {
    if (!names.conditions.has(field)) throw new ConditionError(unknownDefinition("condition", field, names.conditions), start);
    uses.conditions.add(field);
    return true;
  }
  if (variable === "variables") {
    if (!names.constants.has(field)) throw new ConditionError(unknownDefinition("variable", field, names.constants), start);
    return true;
  }
  const known = fieldsOf(variable);
  if (known === undefined) return false;
  if (!known.includes(field))
    throw new ConditionError(`unknown fact ${variable}.${field}${suggestField(variable, field, known)}`, start);
  uses.variables.add(variable);
  uses.facts.add(`${variable}.${field}`);
  return true;
}

/** Whether a fact of a group is one: `http.graphql.kind`. */
function checkGrouped(group: ASTNode, field: string): void {
  if (group.op !== "." || group.args[0].op !== "id") return;
  const [{ args: variable, start }, name] = group.args;
  const fact = Object.hasOwn(factTables, variable) ? factTables[variable]?.[name] : undefined;
  if (fact?.type !== "group" || Object.hasOwn(fact.fields, field)) return;
  const known = Object.keys(fact.fields);
  throw new ConditionError(
    `unknown fact ${variable}.${name}.${field}${suggestField(`${variable}.${name}`, field, known)}`,
    start,
  );
}

function enterLoop(node: Extract<ASTNode, { op: "rcall" }>, depth: number): number {
  const [element] = node.args[2];
  if (element?.op === "id" && reserved.includes(element.args))
    throw new ConditionError(`"${element.args}" is taken; give the element another name`, element.start);
  if (depth === maxLoops) throw new ConditionError(`loops (${[...loops].join(", ")}) may be nested ${maxLoops} deep`, node.start);
  return depth + 1;
}

function suggestField(variable: string, field: string, known: readonly string[]): string {
  const near = nearest(field, known);
  return near === undefined ? `; ${variable} has ${known.join(", ")}` : `; did you mean "${variable}.${near}"?`;
}

function unknownDefinition(kind: "condition" | "variable", name: string, known: ReadonlySet<string>): string {
  const names = [...known];
  const others = names.length === 0 ? `; this file defines and includes none` : `; known are ${names.join(", ")}`;
  return `unknown ${kind} ${name}${didYouMean(name, names) || others}`;
}
