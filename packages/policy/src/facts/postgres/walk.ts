import { CountersignError } from "../../outcome.ts";
import { Findings } from "./findings.ts";
import type { Names } from "./names.ts";
import { nodeFields } from "./nodes.generated.ts";
import { isTree, listOf, type Tree, textOf, unwrap } from "./tree.ts";

/** What to do with one kind of node. It visits whatever of the node it does not deal with itself. */
export type Handler = (walk: Walk, node: Tree, kind: string) => void;

/** More than this and the walk, and whoever draws the tree, would need too deep a stack. PostgreSQL itself gives up somewhere beyond. */
const maxDepth = 500;

/** What nests too deeply is refused. */
export function tooDeep(): CountersignError {
  return new CountersignError(
    "invalid_operation",
    `The statement nests more than ${maxDepth} levels deep. Write it with less nesting.`,
  );
}

/** The names that WITH clauses around a place define. */
interface Scope {
  readonly names: Set<string>;
  readonly outer: Scope | undefined;
}

/** Field → type of what it leads to (`Node`, or the kind of an unwrapped node), or the empty text for a plain value. */
const edges: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(nodeFields).map(([kind, fields]) => [
    kind,
    new Map(fields.split(" ").map((field) => [field.split(":")[0] ?? "", (field.split(":")[1] ?? "").replace("[]", "")])),
  ]),
);

/**
 * Walks whole parse trees. What is at a place is decided by the table of handlers; a kind of node without a handler, or a field that the
 * grammar does not list, makes the statement opaque, and is walked through all the same so that the names below it are found.
 */
export class Walk {
  readonly found = new Findings();
  readonly names: Names;
  readonly #handlers: ReadonlyMap<string, Handler>;
  #scope: Scope | undefined;
  #depth = 0;
  /** Whether a relation that is named here is changed (a definition's target) rather than read. */
  #targets = false;
  /** Whether `$n` belongs to something else than the call: a prepared statement or a function. */
  #foreignParameters = false;

  constructor(handlers: ReadonlyMap<string, Handler>, names: Names) {
    this.#handlers = handlers;
    this.names = names;
  }

  /** Visits a wrapped node, a list of them, or nothing. */
  visit(value: unknown): void {
    if (Array.isArray(value)) {
      for (const item of value) this.visit(item);
      return;
    }
    const found = unwrap(value);
    if (found) this.node(found.kind, found.node);
  }

  /** Visits a node whose kind is known from its place. */
  node(kind: string, node: Tree): void {
    if (++this.#depth > maxDepth) throw tooDeep();
    const handler = this.#handlers.get(kind);
    if (handler) handler(this, node, kind);
    else {
      this.found.doubts.add(`${kind} is not known`);
      this.fields(kind, node);
    }
    this.#depth--;
  }

  /** Visits everything below a node but the named fields. */
  fields(kind: string, node: Tree, except: readonly string[] = []): void {
    const types = edges.get(kind);
    for (const field in node) {
      if (except.includes(field)) continue;
      const type = types?.get(field);
      if (type === undefined) {
        this.found.doubts.add(`${kind}.${field} is not known`);
        this.visit(node[field]);
      } else if (type === "Node") this.visit(node[field]);
      else if (type !== "") this.#unwrapped(type, node[field]);
    }
  }

  #unwrapped(kind: string, value: unknown): void {
    if (isTree(value)) this.node(kind, value);
    else for (const item of listOf(value)) if (isTree(item)) this.node(kind, item);
  }

  /** A relation that is named where one may be read. */
  relation(range: Tree): void {
    if (this.#targets) this.target(range);
    else if (!this.#isDefinedHere(range)) this.read(range);
  }

  /** Notes a relation as read. */
  read(range: Tree): void {
    for (const name of this.relationNames(range)) this.found.reads.add(name);
  }

  /** Notes a relation as changed. A name from WITH cannot be meant: PostgreSQL does not change those. */
  target(range: Tree): readonly string[] {
    const names = this.relationNames(range);
    for (const name of names) this.found.writesTo.add(name);
    return names;
  }

  /** Every relation that a `RangeVar` may stand for. */
  relationNames(range: Tree): readonly string[] {
    return this.names.relation(textOf(range.schemaname), textOf(range.relname));
  }

  #isDefinedHere(range: Tree): boolean {
    if (textOf(range.schemaname) !== "") return false;
    const name = textOf(range.relname);
    for (let scope = this.#scope; scope; scope = scope.outer) if (scope.names.has(name)) return true;
    return false;
  }

  /** Visits a query: relations in it are read, and the names of its WITH clause are known within. */
  query(withClause: unknown, body: () => void): void {
    const { scope, targets } = { scope: this.#scope, targets: this.#targets };
    this.#targets = false;
    if (isTree(withClause)) this.#define(withClause);
    body();
    this.#scope = scope;
    this.#targets = targets;
  }

  /**
   * Without RECURSIVE a query of a WITH clause sees only the names before its own, so that `with t as (select * from t)` reads the table.
   */
  #define(withClause: Tree): void {
    const scope: Scope = { names: new Set(), outer: this.#scope };
    const ctes = listOf(withClause.ctes);
    const define = (cte: unknown): void => {
      scope.names.add(textOf(unwrap(cte)?.node.ctename));
    };
    this.#scope = scope;
    if (withClause.recursive === true) ctes.forEach(define);
    for (const cte of ctes) {
      this.visit(cte);
      define(cte);
    }
  }

  /** Visits a definition: the relations that it names outside of queries are what it changes. */
  definition(body: () => void): void {
    const targets = this.#targets;
    this.#targets = true;
    body();
    this.#targets = targets;
  }

  /** Visits what has parameters of its own. */
  withForeignParameters(body: () => void): void {
    const before = this.#foreignParameters;
    this.#foreignParameters = true;
    body();
    this.#foreignParameters = before;
  }

  /** Notes the use of `$n`. */
  parameter(number: number): void {
    if (!this.#foreignParameters) this.found.parameters = Math.max(this.found.parameters, number);
  }
}
