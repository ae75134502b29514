import { RE2JS } from "re2js";

/** A pattern that cannot be used, and why. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** A pattern as a program that reads one character after the other. */
export interface Program {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  /** Where ranges of characters begin, besides 0, that are the same to every instruction. */
  readonly bounds: Int32Array;
}

/** One of {@link op}. */
export interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: Int32Array;
  matchRune(rune: number): boolean;
}

/** RE2's instructions (regexp/syntax/prog.go in Go's library has the same). */
export const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  match: 6,
  nop: 7,
  firstRune: 8,
  lastRune: 11,
  firstLookbehind: 12,
} as const;
/** What of RE2JS is used: not its matcher, which may build up to 8 MB of states for each pattern while it matches. */
interface Compiled {
  readonly prog: { readonly start: number; numInst(): number; getInst(pc: number): Instruction };
  readonly dfa: { readonly classBounds: Int32Array };
}

/**
 * Reads a pattern in RE2 syntax.
 *
 * @throws {PatternError} when it is none.
 */
export function readProgram(source: string): Program {
  let compiled: Compiled;
  try {
    compiled = RE2JS.compile(source).re2();
  } catch (error) {
    throw new PatternError(`not a regular expression (RE2 syntax): ${error instanceof Error ? error.message : error}`);
  }
  const { prog, dfa } = compiled;
  const instructions = Array.from({ length: prog.numInst() }, (_, pc) => prog.getInst(pc));
  if (instructions.some((one) => one.op >= op.firstLookbehind))
    throw new PatternError("not a regular expression (RE2 syntax): it looks behind");
  return { start: prog.start, instructions, bounds: dfa.classBounds };
}

/** Whether an instruction reads a character. */
export function isReader({ op: code }: Instruction): boolean {
  return code >= op.firstRune && code <= op.lastRune;
}
