import type { ASTNode } from "@marcbachmann/cel-js";
import type { ProtocolFacts } from "../facts/fact.ts";
import type { Constant } from "./constant.ts";
import type { Question } from "./question.ts";

export type { Constant };

/** Where a part of a condition is evaluated. */
export interface PartOptions {
  /** The facts of one statement alone; default: those of the whole operation. */
  readonly facts?: ProtocolFacts;
  /** The elements that loops around the part are at, by name, outermost first. */
  readonly elements?: Readonly<Record<string, unknown>>;
}

/** A checked condition. */
export interface Condition {
  /** As its file says it. Positions in {@link ast} (`start`, `end`) are in it. */
  readonly text: string;
  /** What it says, as cel-js parses it: `conditions.x` and `variables.x` stand as they were written. */
  readonly ast: ASTNode;
  /** The named conditions that it uses, by name. */
  readonly conditions: ReadonlyMap<string, Condition>;
  /** The named constants that it may use, by name. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The variables that it looks at, also by its named conditions, e.g. `sql`, `now`. */
  readonly uses: ReadonlySet<string>;
  /** The facts that it looks at, also by its named conditions, e.g. `sql.tables`. */
  readonly facts: ReadonlySet<string>;
  /**
   * What a part of it (a node of {@link ast}) gives. Whole numbers are `bigint` (CEL int), others `number` (CEL double), times `Date`.
   *
   * @throws {Error} when it cannot be evaluated. The message shows no value.
   */
  evaluatePart(node: ASTNode, question: Question, options?: PartOptions): unknown;
}
