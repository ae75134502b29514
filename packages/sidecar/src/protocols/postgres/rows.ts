import { CountersignError, type Failure, type Limits } from "@countersign/policy";
import type { Field } from "pg-protocol/dist/messages.js";
import type { ResultChunk, ResultSink } from "../connector.ts";
import { fittingRows } from "./codec.ts";
import type { Receiver } from "./exchange.ts";
import { limitFailure } from "./failure.ts";
import { maskedRows } from "./masks/masked-rows.ts";
import type { ColumnMask, Masking } from "./masks/masking.ts";

/** Rows are gathered up to this size before they are given on, bytes. */
const chunkBytes = 64 * 1024;
/** Rows that come slowly are given on after this time, milliseconds. */
const gatherMs = 2;

/** What the rows come from. */
export interface RowSource {
  pause(): void;
  resume(): void;
}

/**
 * The way of one result from a connection to the caller's sink: gathered into chunks, cut at exactly the limits, and held up when the sink is
 * slow, with at most one chunk at the sink and about one waiting.
 */
export class RowStream implements Receiver {
  /** Rows given to the sink. */
  rowsGiven = 0;
  /** Bytes given to the sink. */
  bytesGiven = 0;
  /** Whether rows were withheld from the caller. */
  cut = false;
  readonly maxRowBytes: number;
  readonly #sink: ResultSink;
  readonly #limits: Limits;
  readonly #source: RowSource;
  readonly #onLimit: (failure: Failure) => void;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #waitingRows = 0;
  #rows = 0;
  #bytes = 0;
  #busy = false;
  #ended = false;
  #masking: Pick<Masking, "columns"> | undefined;
  /** Of the columns that were described last. */
  #masks: readonly ColumnMask[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drained = Promise.withResolvers<void>();

  constructor(sink: ResultSink, limits: Limits, source: RowSource, onLimit: (failure: Failure) => void) {
    this.#sink = sink;
    this.#limits = limits;
    this.#source = source;
    this.#onLimit = onLimit;
    this.maxRowBytes = limits.bytes ?? Number.POSITIVE_INFINITY;
    // A sink that fails is noticed by finish() or by the limit hook, whichever comes first.
    this.#drained.promise.catch(() => {});
  }

  /** Whether the sink has taken all that came. */
  get delivered(): boolean {
    return !this.cut && !this.#busy && this.#waitingRows === 0;
  }

  /** Hides values from now on: before the first row. */
  mask(masking: Pick<Masking, "columns">): void {
    this.#masking = masking;
  }

  columns(fields: readonly Field[]): void {
    this.#masks = this.#masking?.columns(fields);
    const columns = fields.map(({ name, dataTypeID, dataTypeModifier }) => ({
      name,
      typeOid: dataTypeID,
      typeModifier: dataTypeModifier,
    }));
    this.#give({ type: "columns", columns });
  }

  rows(received: Buffer, count: number): void {
    if (this.#ended) {
      this.cut = true;
      return;
    }
    const data = this.#masks ? maskedRows(received, count, this.#masks) : received;
    const { rows = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = this.#limits;
    const fitting = fittingRows(data, count, rows - this.#rows, bytes - this.#bytes);
    this.#rows += fitting.rows;
    this.#bytes += fitting.bytes;
    if (fitting.rows > 0) this.#wait(data.subarray(0, fitting.bytes), fitting.rows);
    if (fitting.rows < count) this.limit(this.#rows >= rows ? "rows" : "bytes");
  }

  /** Ends the result at a limit: what was taken so far is still given on. */
  limit(kind: "rows" | "bytes"): void {
    this.cut = this.#ended = true;
    this.#onLimit(limitFailure(kind, this.#limits[kind] ?? 0));
  }

  /** Gives nothing on any more. */
  drop(): void {
    this.#ended = true;
    this.cut ||= this.#waitingRows > 0;
    this.#waiting.length = this.#waitingBytes = this.#waitingRows = 0;
    clearTimeout(this.#timer);
  }

  /**
   * Resolves when the sink has taken everything.
   *
   * @throws what the sink threw.
   */
  async finish(): Promise<void> {
    this.#flush();
    if (this.#busy || this.#waitingRows > 0) await this.#drained.promise;
  }

  #wait(data: Buffer, count: number): void {
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    this.#waitingRows += count;
    if (this.#waitingBytes >= chunkBytes) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
    if (this.#waitingBytes >= chunkBytes) this.#source.pause();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#busy || this.#waitingRows === 0) return;
    const [first] = this.#waiting;
    const data = this.#waiting.length === 1 && first ? first : Buffer.concat(this.#waiting, this.#waitingBytes);
    const count = this.#waitingRows;
    this.#waiting.length = this.#waitingBytes = this.#waitingRows = 0;
    this.rowsGiven += count;
    this.bytesGiven += data.length;
    this.#give({ type: "rows", data, count });
  }

  #give(chunk: ResultChunk): void {
    try {
      const taken = this.#sink(chunk);
      if (taken === undefined) return;
      this.#busy = true;
      taken.then(
        () => this.#taken(),
        (error: unknown) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  #taken(): void {
    this.#busy = false;
    this.#flush();
    this.#source.resume();
    if (!this.#busy && this.#waitingRows === 0) {
      this.#drained.resolve();
      this.#drained = Promise.withResolvers();
      this.#drained.promise.catch(() => {});
    }
  }

  #failed(error: unknown): void {
    this.#busy = true;
    this.drop();
    this.#drained.reject(error);
    this.#onLimit(
      error instanceof CountersignError
        ? { code: error.code, message: error.message, retryable: error.retryable }
        : { code: "cancelled", message: "The caller went away while it was given the result.", retryable: false },
    );
  }
}
