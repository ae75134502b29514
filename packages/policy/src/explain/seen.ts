import type { ASTNode } from "@marcbachmann/cel-js";
import type { Json } from "../canonical.ts";
import { variableNames } from "../policy/environment.ts";
import { childrenOf } from "../policy/syntax.ts";
import type { SeenValue } from "./explanation.ts";

/** What is shown of a long value. */
const shown = { characters: 200, items: 10, depth: 4 };

/** A value that a condition looked at, cut to what a person reads. */
export function seenValue(name: string, value: unknown): SeenValue {
  const size = sizeOf(value);
  return { name, value: shortened(value, shown.depth), ...(size === undefined ? {} : { size }) };
}

/** How much there is, where {@link shortened} cuts. */
function sizeOf(value: unknown): number | undefined {
  if (typeof value === "string") return value.length > shown.characters ? value.length : undefined;
  if (typeof value !== "object" || value === null || value instanceof Date) return undefined;
  const items = Array.isArray(value) ? value.length : Object.keys(value).length;
  return items > shown.items ? items : undefined;
}

function shortened(value: unknown, depth: number): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "string") return value.length > shown.characters ? `${value.slice(0, shown.characters)}…` : value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (depth === 0) return "…";
  if (Array.isArray(value)) return value.slice(0, shown.items).map((item) => shortened(item, depth - 1));
  if (isPlain(value))
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, shown.items)
        .map(([key, item]) => [key, shortened(item, depth - 1)]),
    );
  return String(value);
}

function isPlain(value: unknown): value is object {
  const prototype: unknown = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
}

/** An access from a variable down: `sql.tables`, `resource.labels["env"]`, `t`. */
type Access = Extract<ASTNode, { op: "id" | "." | ".?" | "[]" | "[?]" }>;

/** The accesses in a part of a condition, each once, outermost first. Those to elements of loops inside the part are left out. */
export function accessesIn(part: ASTNode, elements: ReadonlySet<string>): readonly Access[] {
  const found = new Map<string, Access>();
  collect(part, new Set([...variableNames, ...elements, "variables"]), found);
  return [...found.values()];
}

function collect(node: ASTNode, roots: ReadonlySet<string>, found: Map<string, Access>): void {
  const root = rootOf(node);
  if (root !== undefined && isAccess(node)) {
    if (roots.has(root)) found.set(accessText(node), node);
    for (const index of indicesOf(node)) collect(index, roots, found);
    return;
  }
  const bound = boundBy(node);
  const inner = bound === undefined ? roots : new Set([...roots].filter((name) => name !== bound));
  for (const child of childrenOf(node)) collect(child, child === receiverOf(node) ? roots : inner, found);
}

/** How an access is named: without the layout and the parentheses of its author. */
export function accessText(node: ASTNode): string {
  switch (node.op) {
    case "id":
      return node.args;
    case ".":
    case ".?":
      return `${accessText(node.args[0])}${node.op}${node.args[1]}`;
    case "[]":
    case "[?]":
      return `${accessText(node.args[0])}[${accessText(node.args[1])}]`;
    case "value":
      return typeof node.args === "string" ? JSON.stringify(node.args) : String(node.args);
    default:
      return "…";
  }
}

function isAccess(node: ASTNode): node is Access {
  return ["id", ".", ".?", "[]", "[?]"].includes(node.op);
}

function rootOf(node: ASTNode): string | undefined {
  if (node.op === "id") return node.args;
  return node.op === "." || node.op === ".?" || node.op === "[]" || node.op === "[?]" ? rootOf(node.args[0]) : undefined;
}

/** What stands in brackets and is not written out. */
function indicesOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === "." || node.op === ".?") return indicesOf(node.args[0]);
  if (node.op === "[]" || node.op === "[?]") return [...indicesOf(node.args[0]), node.args[1]];
  return [];
}

const loops: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** The name that a loop gives its elements. */
function boundBy(node: ASTNode): string | undefined {
  if (node.op !== "rcall" || !loops.has(node.args[0])) return undefined;
  const [name] = node.args[2];
  return name?.op === "id" ? name.args : undefined;
}

function receiverOf(node: ASTNode): ASTNode | undefined {
  return node.op === "rcall" ? node.args[1] : undefined;
}
