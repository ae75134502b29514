const firstBytes = 512;

/** Text that is added to piece by piece, held as UTF-8: what many small strings would take is a multiple of it. */
export class GrowingText {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    // A UTF-16 unit takes at most three bytes: only near the end, or for a long text, it is counted.
    if (this.#length + 3 * text.length > this.#bytes.length) this.#grow(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** The bytes themselves: valid until the next {@link add}. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  toString(): string {
    return this.bytes().toString();
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
