import { type Alphabet, kindOf, readAlphabet } from "./pattern/alphabet.ts";
import { PatternError, type Program, readProgram } from "./pattern/program.ts";
import { accept, buildTable, reject } from "./pattern/table.ts";

/** A regular expression in RE2 syntax, as a complete automaton: every text takes one step for each character. */
export interface Pattern {
  /** Whether it is found anywhere in a text, and how many characters were looked at. */
  search(text: string): { readonly found: boolean; readonly steps: number };
}

const maxLength = 500;

/**
 * Reads a pattern in RE2 syntax.
 *
 * @throws {PatternError} when it is not one, or its automaton is too large.
 */
export function readPattern(source: string): Pattern {
  if (source.length > maxLength) throw new PatternError(`a pattern holds at most ${maxLength} characters`);
  return new Automaton(readProgram(source));
}

class Automaton implements Pattern {
  readonly #alphabet: Alphabet;
  /** The kinds of the first 256 characters. */
  readonly #latin1 = new Uint16Array(256);
  /** See {@link buildTable}. */
  readonly #table: Int32Array;

  constructor(program: Program) {
    this.#alphabet = readAlphabet(program);
    for (let rune = 0; rune < 256; rune++) this.#latin1[rune] = kindOf(this.#alphabet, rune);
    this.#table = buildTable(program, this.#alphabet.examples);
  }

  search(text: string): { found: boolean; steps: number } {
    const table = this.#table;
    const latin1 = this.#latin1;
    const end = this.#alphabet.examples.length;
    const width = end + 1;
    let state = 0;
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      let kind: number;
      if (unit < 256) kind = latin1[unit] ?? 0;
      else {
        const rune = text.codePointAt(index) ?? unit;
        if (rune > 0xffff) index++;
        kind = kindOf(this.#alphabet, rune);
      }
      state = table[state * width + kind] ?? reject;
      if (state < 0) return { found: state === accept, steps: index + 1 };
    }
    return { found: table[state * width + end] === accept, steps: index + 1 };
  }
}
