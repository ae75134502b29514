import { neighbour } from "./neighbour.ts";
import { isReader, type Program } from "./program.ts";

/** Kinds of characters: those of one kind are the same to the whole pattern. */
export interface Alphabet {
  /** Where ranges of characters begin, besides 0. */
  readonly bounds: Int32Array;
  /** The kind of each range. */
  readonly kinds: Uint16Array;
  /** A character of each kind. */
  readonly examples: readonly number[];
}

/** Finds the kinds of characters that a pattern tells apart. */
export function readAlphabet({ instructions, bounds }: Program): Alphabet {
  const readers = new Map(instructions.filter(isReader).map((one) => [`${one.op} ${one.arg} ${one.runes.join()}`, one]));
  const kinds = new Map<string, number>();
  const examples: number[] = [];
  const ofRange = [0, ...bounds].map((rune) => {
    const same = [...readers.values()].map((one) => (one.matchRune(rune) ? "1" : "0")).join("") + neighbour(rune);
    const kind = kinds.get(same) ?? examples.push(rune) - 1;
    kinds.set(same, kind);
    return kind;
  });
  return { bounds, kinds: Uint16Array.from(ofRange), examples };
}

/** The kind of a character. */
export function kindOf({ bounds, kinds }: Alphabet, rune: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= rune) low = middle + 1;
    else high = middle;
  }
  return kinds[low] ?? 0;
}
