/** One sentence about an operation. Names in it come from the operation and are still to be shown as exact text. */
export interface Sentence {
  /** How much attention it wants. */
  readonly tone: "danger" | "caution" | "plain";
  readonly text: string;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
