const blockBits = 12;
const longestShift = 255;

/**
 * A few texts that are looked for together, in one pass that looks at few of the bytes: S. Wu and U. Manber, "A fast algorithm for multi-pattern
 * searching" (1994). A block of two bytes says how far the next place can be at which any of the texts may end.
 */
export class Needles {
  /** Of the longest text. */
  readonly longest: number;
  /** Of the shortest one; in less there is none. */
  readonly shortest: number;
  /** The longest first: one may stand in another. */
  readonly #texts: readonly Buffer[];
  readonly #shifts: Uint8Array;
  /** By byte: whether one of them begins with it. */
  readonly #begins = new Uint8Array(256);

  /** @param texts of two bytes at least. */
  constructor(texts: readonly Buffer[]) {
    this.#texts = [...texts].sort((a, b) => b.length - a.length);
    this.longest = this.#texts[0]?.length ?? 0;
    this.shortest = Math.min(this.#texts.at(-1)?.length ?? 0, longestShift);
    this.#shifts = new Uint8Array(1 << blockBits).fill(Math.max(this.shortest - 1, 1));
    for (const [first = 0] of this.#texts) this.#begins[first] = 1;
    // Only so much of each as there is of all: a text is compared as a whole where its beginning may be.
    for (const text of this.#texts)
      for (let at = 1; at < this.shortest; at++) {
        const block = blockOf(text[at - 1] ?? 0, text[at] ?? 0);
        this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, this.shortest - 1 - at);
      }
  }

  /** Overwrites every one of the texts with `*`, also where they overlap. */
  hide(bytes: Buffer): Buffer {
    const found = this.#find(bytes);
    for (const [from, to] of found) bytes.fill(0x2a, from, to);
    return bytes;
  }

  /** Whether any of them is there. */
  areIn(bytes: Buffer): boolean {
    return this.#find(bytes).length > 0;
  }

  /** How many bytes at the end may be the beginning of a text that goes on. */
  openEnd(bytes: Buffer): number {
    for (let at = Math.max(bytes.length - this.longest + 1, 0); at < bytes.length; at++) {
      if (this.#begins[bytes[at] ?? 0] === 0) continue;
      for (const text of this.#texts) if (endsIn(bytes, at, text)) return bytes.length - at;
    }
    return 0;
  }

  #find(bytes: Buffer): readonly (readonly [from: number, to: number])[] {
    const { shortest } = this;
    const shifts = this.#shifts;
    const found: [number, number][] = [];
    if (shortest < 2) return found;
    for (let end = shortest - 1; end < bytes.length; ) {
      const shift = shifts[blockOf(bytes[end - 1] ?? 0, bytes[end] ?? 0)] ?? 0;
      if (shift === 0) {
        const from = end - shortest + 1;
        const text = this.#texts.find((one) => startsAt(bytes, from, one));
        if (text !== undefined) found.push([from, from + text.length]);
        end++;
      } else end += shift;
    }
    return found;
  }
}

function blockOf(first: number, second: number): number {
  return ((first << 5) ^ second) & ((1 << blockBits) - 1);
}

/** Whether a text begins there and goes on past the end. */
function endsIn(bytes: Buffer, from: number, text: Buffer): boolean {
  const open = bytes.length - from;
  if (text.length <= open) return false;
  // Mostly the second byte is another one already: a call for that would take longer.
  for (let at = 0; at < open; at++) if (bytes[from + at] !== text[at]) return false;
  return true;
}

function startsAt(bytes: Buffer, from: number, text: Buffer): boolean {
  return (
    bytes[from] === text[0] &&
    bytes.length - from >= text.length &&
    bytes.compare(text, 0, text.length, from, from + text.length) === 0
  );
}
