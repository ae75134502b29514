import type { Json } from "../canonical.ts";
import type { GrantedValue } from "./bound.ts";

/** One value of an operation. */
export interface ShapeValue {
  /** How people name it: `$1`, `constant 2`, `word 3`, `segment 2`, `query expand`, `argument /path/0`. */
  readonly name: string;
  readonly value: GrantedValue;
  /** It is an argument of a command. */
  readonly argument?: true;
}

/** An operation taken apart: what is the same for all that a grant may cover, and the values that may differ. */
export interface Shape {
  readonly fixed: Json;
  /** In the order of the operation's structure, not of its text: that alone says which value is which. */
  readonly values: readonly ShapeValue[];
}
