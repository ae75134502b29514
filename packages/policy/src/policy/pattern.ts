import { RE2JS } from "re2js";

/** A regular expression in RE2 syntax, as a complete automaton: every text takes one step for each character. */
export interface Pattern {
  /** Whether it is found anywhere in a text, and how many characters were looked at. */
  search(text: string): { readonly found: boolean; readonly steps: number };
}

/** A pattern that cannot be used, and why. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const maxLength = 500;
/** States times kinds of characters: one table holds at most 400 kB. */
const maxCells = 100_000;

/** What is used of RE2JS's program: its instructions and the places at which the kind of character changes. */
interface Program {
  readonly prog: { readonly start: number; numInst(): number; getInst(pc: number): Instruction };
  readonly dfa: { readonly classBounds: Int32Array };
}

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

/** RE2's instructions (regexp/syntax/prog.go in Go's library has the same). */
const op = {
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
/** What an empty-width instruction asks for. */
const at = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, wordBoundary: 16, noWordBoundary: 32 } as const;
/** What stands before a place, or behind it. */
type Neighbour = "text edge" | "newline" | "word" | "other";

/**
 * Reads a pattern in RE2 syntax.
 *
 * @throws {PatternError} when it is not one, or its automaton is too large.
 */
export function readPattern(source: string): Pattern {
  if (source.length > maxLength) throw new PatternError(`a pattern holds at most ${maxLength} characters`);
  let program: Program;
  try {
    program = RE2JS.compile(source).re2();
  } catch (error) {
    throw new PatternError(`not a regular expression (RE2 syntax): ${error instanceof Error ? error.message : error}`);
  }
  return new Automaton(program);
}

const accept = -1;
const reject = -2;

class Automaton implements Pattern {
  readonly #bounds: Int32Array;
  readonly #latin1 = new Uint16Array(256);
  readonly #kinds: number;
  /** `state * (kinds + 1) + kind` → state; the last column is for the end of the text. */
  readonly #table: Int32Array;

  constructor({ prog, dfa }: Program) {
    this.#bounds = dfa.classBounds;
    this.#kinds = this.#bounds.length + 1;
    for (let rune = 0; rune < 256; rune++) this.#latin1[rune] = kindOf(this.#bounds, rune);
    this.#table = buildTable(prog, [0, ...this.#bounds]);
  }

  search(text: string): { found: boolean; steps: number } {
    const table = this.#table;
    const latin1 = this.#latin1;
    const width = this.#kinds + 1;
    let state = 0;
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      let kind: number;
      if (unit < 256) kind = latin1[unit] ?? 0;
      else {
        const rune = text.codePointAt(index) ?? unit;
        if (rune > 0xffff) index++;
        kind = kindOf(this.#bounds, rune);
      }
      state = table[state * width + kind] ?? reject;
      if (state < 0) return { found: state === accept, steps: index + 1 };
    }
    return { found: table[state * width + this.#kinds] === accept, steps: index + 1 };
  }
}

/** Which of the ranges between bounds a character is in. */
function kindOf(bounds: Int32Array, rune: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= rune) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A state before the next character is known: where the program is, and what stands before. */
interface State {
  readonly pcs: readonly number[];
  readonly before: Neighbour;
}

/** Every state that can be reached, and where each kind of character leads. */
function buildTable(prog: Program["prog"], firstOfKind: readonly number[]): Int32Array {
  const instructions = Array.from({ length: prog.numInst() }, (_, pc) => prog.getInst(pc));
  if (instructions.some((one) => one.op >= op.firstLookbehind))
    throw new PatternError("not a regular expression (RE2 syntax): it looks behind");
  const width = firstOfKind.length + 1;
  const states: State[] = [];
  const numbers = new Map<string, number>();
  const cells: number[] = [];
  const numberOf = (pcs: readonly number[], before: Neighbour): number => {
    const key = `${before} ${pcs.join()}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = states.push({ pcs, before }) - 1;
      numbers.set(key, number);
      if (states.length * width > maxCells) throw new PatternError(tooLarge);
    }
    return number;
  };
  const start = [prog.start];
  numberOf(start, "text edge");
  for (let index = 0; index < states.length; index++) {
    const { pcs, before } = states[index] ?? { pcs: start, before: "text edge" };
    for (const rune of [...firstOfKind, undefined]) {
      const behind = neighbour(rune);
      const reached = closure(instructions, pcs, contextOf(before, behind));
      if (reached.some((pc) => instructions[pc]?.op === op.match)) cells.push(accept);
      else if (rune === undefined) cells.push(reject);
      else {
        const next = new Set(start);
        for (const pc of reached) {
          const one = instructions[pc];
          if (one && one.op >= op.firstRune && one.op <= op.lastRune && one.matchRune(rune)) next.add(one.out);
        }
        cells.push(
          numberOf(
            [...next].sort((a, b) => a - b),
            behind,
          ),
        );
      }
    }
  }
  return stopEarly(Int32Array.from(cells), width, states.length);
}

const tooLarge =
  "the pattern is too complex: counted repetitions of things that overlap (like .{0,100}) need too many states; make them * or +, or anchor it with ^";

function neighbour(rune: number | undefined): Neighbour {
  if (rune === undefined) return "text edge";
  if (rune === 10) return "newline";
  const word = (rune >= 48 && rune <= 57) || (rune >= 65 && rune <= 90) || rune === 95 || (rune >= 97 && rune <= 122);
  return word ? "word" : "other";
}

/** What holds between two neighbours. */
function contextOf(before: Neighbour, behind: Neighbour): number {
  let flags = (before === "word") === (behind === "word") ? at.noWordBoundary : at.wordBoundary;
  if (before === "text edge") flags |= at.beginText | at.beginLine;
  if (before === "newline") flags |= at.beginLine;
  if (behind === "text edge") flags |= at.endText | at.endLine;
  if (behind === "newline") flags |= at.endLine;
  return flags;
}

/** Where a program can be without reading a character. */
function closure(instructions: readonly Instruction[], from: readonly number[], context: number): readonly number[] {
  const seen = new Set<number>();
  const open = [...from];
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    const one = instructions[pc];
    if (one === undefined || seen.has(pc)) continue;
    seen.add(pc);
    if (one.op === op.alt || one.op === op.altMatch) open.push(one.out, one.arg);
    else if (one.op === op.capture || one.op === op.nop) open.push(one.out);
    else if (one.op === op.emptyWidth && (one.arg & ~context) === 0) open.push(one.out);
  }
  return [...seen];
}

/** A state from which nothing can be found any more rejects at once. */
function stopEarly(table: Int32Array, width: number, states: number): Int32Array {
  const hopeful = new Uint8Array(states);
  for (let changed = true; changed; ) {
    changed = false;
    for (let state = 0; state < states; state++) {
      if (hopeful[state] === 1) continue;
      for (let cell = state * width; cell < (state + 1) * width; cell++) {
        const next = table[cell] ?? reject;
        if (next !== accept && (next < 0 || hopeful[next] !== 1)) continue;
        hopeful[state] = 1;
        changed = true;
        break;
      }
    }
  }
  return table.map((next) => (next >= 0 && hopeful[next] !== 1 ? reject : next));
}
