/** A document taken apart, with the places of its values in its text. */
export type Tree =
  | { readonly type: "object"; readonly members: readonly Member[] }
  | { readonly type: "list"; readonly items: readonly Tree[] }
  | Scalar;

/** One member of an object. A name may come twice. */
export interface Member {
  readonly name: string;
  readonly value: Tree;
}

/** A value that holds no others. */
export interface Scalar {
  readonly type: "text" | "other";
  /** A text without its quotes and escapes; anything else as it is written. */
  readonly value: string;
  /** Where it stands, quotes included. */
  readonly start: number;
  readonly end: number;
}

/** More nesting is not taken apart. */
export const mostDepth = 200;
