import { contextOf, type Neighbour, neighbour } from "./neighbour.ts";
import { type Instruction, isReader, op, PatternError, type Program } from "./program.ts";

/** Cells that are no state: the pattern is found, or cannot be found any more. */
export const accept = -1;
export const reject = -2;

/** States times kinds of characters: one table holds at most 400 kB. */
const maxCells = 100_000;
/** Places of the program that are looked at, so that reading a pattern takes some 100 ms at most. */
const maxWork = 1_500_000;
const tooLarge =
  "the pattern is too complex: counted repetitions of things that overlap (like .{0,100}) need too many states; make them * or +, or anchor it with ^";

/** A state before the next character is known: where the program is, and what stands before. */
interface State {
  readonly pcs: readonly number[];
  readonly before: Neighbour;
}

/**
 * Every state that can be reached, and where each kind of character leads: `state * (kinds + 1) + kind` → state. The last column is for the
 * end of the text.
 *
 * @throws {PatternError} when there are too many.
 */
export function buildTable({ instructions, start: entry }: Program, examples: readonly number[]): Int32Array {
  const width = examples.length + 1;
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
  let work = 0;
  const start = [entry];
  numberOf(start, "text edge");
  for (let index = 0; index < states.length; index++) {
    const { pcs, before } = states[index] ?? { pcs: start, before: "text edge" };
    // Most kinds of characters are the same kind of neighbour.
    const reachedBefore = new Map<Neighbour, Reached>();
    for (const rune of [...examples, undefined]) {
      const behind = neighbour(rune);
      const reached = reachedBefore.get(behind) ?? reach(instructions, pcs, contextOf(before, behind));
      reachedBefore.set(behind, reached);
      work += reached.readers.length + 1;
      if (work > maxWork) throw new PatternError(tooLarge);
      if (reached.found) cells.push(accept);
      else if (rune === undefined) cells.push(reject);
      else cells.push(numberOf(step(reached, rune, entry), behind));
    }
  }
  return stopEarly(Int32Array.from(cells), width, states.length);
}

/** Where a program can be without reading a character. */
interface Reached {
  readonly found: boolean;
  /** The instructions that read the next character. */
  readonly readers: readonly Instruction[];
}

function reach(instructions: readonly Instruction[], from: readonly number[], context: number): Reached {
  const seen = new Set<number>();
  const readers: Instruction[] = [];
  const open = [...from];
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    const one = instructions[pc];
    if (one === undefined || seen.has(pc)) continue;
    seen.add(pc);
    if (one.op === op.match) return { found: true, readers: [] };
    if (isReader(one)) readers.push(one);
    else if (one.op === op.alt || one.op === op.altMatch) open.push(one.out, one.arg);
    else if (one.op === op.capture || one.op === op.nop) open.push(one.out);
    else if (one.op === op.emptyWidth && (one.arg & ~context) === 0) open.push(one.out);
  }
  return { found: false, readers };
}

/** Where the program goes with a character, and from its beginning again: a match may begin anywhere. */
function step({ readers }: Reached, rune: number, entry: number): readonly number[] {
  const next = new Set([entry]);
  for (const one of readers) if (one.matchRune(rune)) next.add(one.out);
  return [...next].sort((a, b) => a - b);
}

/** A state from which nothing can be found any more rejects at once. */
function stopEarly(table: Int32Array, width: number, states: number): Int32Array {
  const hopeful = new Uint8Array(states);
  for (let changed = true; changed; ) {
    changed = false;
    // Backwards: most states lead to later ones.
    for (let state = states - 1; state >= 0; state--) {
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
