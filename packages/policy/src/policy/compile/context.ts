import type { Pattern } from "../pattern.ts";
import type { Part } from "./scope.ts";
import type { SharedParts } from "./shared-parts.ts";

/** What the names in a condition stand for. */
export interface Context {
  /** The condition as its file says it. */
  readonly text: string;
  /** The names of the elements of the loops around, outermost first. At most two. */
  readonly elements: readonly string[];
  /** What `variables.name` stands for, as a CEL value. */
  constant(name: string): unknown;
  /** What `conditions.name` stands for. */
  condition(name: string): Part;
  pattern(source: string): Pattern;
  readonly shared: SharedParts;
  /** What the same text in another file need not mean: a key for everything that names stand for. */
  readonly scope: string;
}

/** Something in a condition that cannot be used, and where in its text. */
export class ConditionError extends Error {
  override readonly name = "ConditionError";
  /** From 0, in the condition's text. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
