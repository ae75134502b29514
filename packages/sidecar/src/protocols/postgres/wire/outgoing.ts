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
  /** What was added last, with all that follows it in the same memory: one piece, which begins where it begins. */
  #run: Buffer | undefined;
  #memory: ArrayBufferLike | undefined;
  #end = 0;
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
    this.#drop();
  }

  /** Adds whole messages, or parts of copied data. `noted`: an operation that was noted in this turn. */
  add(bytes: Buffer, noted = false): void {
    if (noted) this.#noted = true;
    const { buffer, byteOffset, length } = bytes;
    // Neighbours in a chunk of the client go as one again.
    if (this.#run === undefined || byteOffset !== this.#end || buffer !== this.#memory) {
      this.#endRun();
      this.#run = bytes;
      this.#memory = buffer;
    }
    this.#end = byteOffset + length;
  }

  /** The end of a turn. */
  flush() {
    if (this.#run === undefined || this.#scheduled) return;
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
    this.#drop();
    this.#onRefused(error);
  }

  #endRun(): void {
    const run = this.#run;
    if (run === undefined || this.#memory === undefined) return;
    const length = this.#end - run.byteOffset;
    this.#buffers.push(length === run.length ? run : Buffer.from(this.#memory, run.byteOffset, length));
    this.#run = this.#memory = undefined;
  }

  #drop(): void {
    this.#buffers = [];
    this.#run = this.#memory = undefined;
  }

  #write(): void {
    this.#endRun();
    const buffers = this.#buffers;
    this.#buffers = [];
    const [only] = buffers;
    if (this.#lent === undefined || only === undefined) return;
    if (!this.#lent.write(buffers.length === 1 ? only : buffers)) this.#onFull();
  }
}
