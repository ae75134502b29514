const firstBytes = 512;
/** So much is gathered before it is encoded: each encoding takes as long as some hundred characters of it (measured). */
const gatheredLength = 1024;

/** Text that is added to piece by piece, held as UTF-8: what many small strings would take is a multiple of it. */
export class GrowingText {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;
  /** What was added last. */
  #gathered = "";

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Bytes so far; of what was added last, a kilobyte at most, characters. */
  get length(): number {
    return this.#length + this.#gathered.length;
  }

  add(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length >= gatheredLength) this.#encode();
  }

  /** The bytes themselves: valid until the next {@link add}. */
  bytes(): Buffer {
    this.#encode();
    return this.#bytes.subarray(0, this.#length);
  }

  toString(): string {
    return this.bytes().toString();
  }

  #encode(): void {
    const text = this.#gathered;
    this.#gathered = "";
    // A UTF-16 unit takes at most three bytes: only near the end, or for a long text, it is counted.
    if (this.#length + 3 * text.length > this.#bytes.length) this.#grow(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
