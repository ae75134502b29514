import type { FlushWaiting } from "../../../native/passage.ts";
import type { Lent } from "../lent.ts";

/** Where one is told that what was noted is with the operating system. */
export interface Flushing {
  afterFlush(waiting: FlushWaiting): void;
}

/** What goes to the server, in order: nothing of it before what was allowed in it is noted in the journal. All of one turn goes in one call. */
export class Outgoing implements FlushWaiting {
  readonly #journal: Flushing;
  readonly #onRefused: (error: Error) => void;
  readonly #onFull: () => void;
  #lent: Lent | undefined;
  #buffers: Buffer[] = [];
  #noted = false;
  #scheduled = false;

  /** `onRefused`: it could not be noted, nothing was sent, and nothing may be. `onFull`: wait until the session has drained. */
  constructor(journal: Flushing, onRefused: (error: Error) => void, onFull: () => void) {
    this.#journal = journal;
    this.#onRefused = onRefused;
    this.#onFull = onFull;
  }

  get lent(): Lent | undefined {
    return this.#lent;
  }

  /** Attaches the session, or takes it away: then nothing is sent any more. */
  set lent(lent: Lent | undefined) {
    this.#lent = lent;
    this.#buffers = [];
  }

  /** Adds whole messages, or parts of copied data. `noted`: an operation that was noted in this turn. */
  add(bytes: Buffer, noted = false): void {
    if (noted) this.#noted = true;
    const last = this.#buffers.at(-1);
    // Neighbours in a chunk of the client go as one again.
    if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset)
      this.#buffers[this.#buffers.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    else this.#buffers.push(bytes);
  }

  /** The end of a turn. */
  flush() {
    if (this.#buffers.length === 0 || this.#scheduled) return;
    if (!this.#noted) return this.#write();
    this.#noted = false;
    this.#scheduled = true;
    this.#journal.afterFlush(this);
  }

  flushed(): void {
    this.#scheduled = this.#noted = false;
    this.#write();
  }

  refused(error: Error): void {
    this.#scheduled = false;
    this.#buffers = [];
    this.#onRefused(error);
  }

  #write(): void {
    const buffers = this.#buffers;
    this.#buffers = [];
    const [only] = buffers;
    if (this.#lent === undefined || only === undefined) return;
    if (!this.#lent.write(buffers.length === 1 ? only : buffers)) this.#onFull();
  }
}
