/**
 * What waits for one resource, each caller's in a line of its own, served in turn: whoever holds many requests does not keep those of others from
 * being looked into. Every line is bounded.
 */
export class Waiting<Thing> {
  readonly #most: number;
  /** The caller whose turn is next comes first. */
  readonly #lines = new Map<string, Thing[]>();

  /** @param most in one caller's line. */
  constructor(most: number) {
    this.#most = most;
  }

  /** False when the caller's line is full. */
  add(caller: string, thing: Thing): boolean {
    const line = this.#lines.get(caller) ?? [];
    if (line.length >= this.#most) return false;
    line.push(thing);
    this.#lines.set(caller, line);
    return true;
  }

  /** Takes the next one out; its caller goes to the end. */
  take(): Thing | undefined {
    for (const [caller, line] of this.#lines) {
      const next = line.shift();
      this.#lines.delete(caller);
      if (line.length > 0) this.#lines.set(caller, line);
      if (next !== undefined) return next;
    }
    return undefined;
  }
}
