import type { Event, Outcome as WireOutcome } from "@countersign/rpc";
import { CountersignError } from "./errors.ts";
import type { OutputEvent } from "./event.ts";
import type { TypeParsers } from "./field-reader.ts";
import {
  commandFromTag,
  exitFromWire,
  type Outcome,
  outcomeError,
  outcomeState,
  receiptFromWire,
  type Summary,
} from "./outcome.ts";
import { type Replacement, replacementFromWire } from "./replacement.ts";
import { type RowMode, RowReader } from "./row-reader.ts";

/** A part of a result, still in bytes. */
export interface Chunk {
  readonly data: Buffer;
  readonly count: number;
}

/** Puts a request's outcome together from its events. */
export class Assembly<Row> {
  digest = "";
  reader: RowReader<Row> | undefined;
  readonly #mode: RowMode;
  readonly #types: TypeParsers;
  readonly #replaced: Replacement[] = [];
  #received = 0;

  constructor(mode: RowMode, types: TypeParsers) {
    this.#mode = mode;
    this.#types = types;
  }

  /** Takes the next event; gives a chunk of rows where it holds one. */
  take(event: Event): Chunk | undefined {
    switch (event.event?.$case) {
      case "decided":
        this.digest = event.event.value.actionDigest;
        return undefined;
      case "replaced":
        this.#replaced.push(replacementFromWire(event.event.value));
        return undefined;
      case "columns":
        this.reader = new RowReader(event.event.value.columns, this.#mode, this.#types);
        return undefined;
      case "rows":
        this.#received += event.event.value.count;
        return event.event.value;
      default:
        return undefined;
    }
  }

  /**
   * The rows of a chunk.
   *
   * @throws {CountersignError} as {@link RowReader.read}; `result_gone` when the chunks in front of it are gone.
   */
  read(chunk: Chunk, into: Row[]): void {
    if (this.reader === undefined) throw new CountersignError("result_gone", "The beginning of the result is no longer kept.");
    this.reader.read(chunk.data, chunk.count, into);
  }

  /** What is known of the statement at its end. */
  summary(outcome: WireOutcome, requestId: string): Summary {
    return {
      requestId,
      digest: outcome.receipt?.actionDigest || this.digest,
      ...commandFromTag(outcome.commandTag),
      columns: this.reader?.columns ?? [],
      ...(outcome.receipt && { receipt: receiptFromWire(outcome.receipt) }),
      ...(this.#replaced.length > 0 && { replaced: this.#replaced }),
      durationMs: outcome.durationMs,
    };
  }

  /** The outcome with its rows. */
  outcome(outcome: WireOutcome, requestId: string, rows: readonly Row[], output: readonly OutputEvent[] = []): Outcome<Row> {
    const error = outcomeError(outcome, requestId);
    const exit = exitFromWire(outcome);
    return {
      ...this.summary(outcome, requestId),
      state: outcomeState(outcome),
      ...(error && { error }),
      rows,
      ...(exit && { exit }),
      ...wholeOutput(output, exit !== undefined),
      // They went to a connection that broke, or are no longer kept.
      resultGone: this.#received < outcome.rows || (outcome.rows === 0 && bytesOf(output) < outcome.bytes),
    };
  }
}

function wholeOutput(events: readonly OutputEvent[], isCommand: boolean): Pick<Outcome, "output" | "response"> {
  const of = (type: OutputEvent["type"]) =>
    Buffer.concat(events.flatMap((one) => ("data" in one && one.type === type ? [one.data] : [])));
  const head = events.find((one) => one.type === "response");
  if (head !== undefined) return { response: { status: head.status, headers: head.headers, body: of("body") } };
  return isCommand || events.length > 0 ? { output: { stdout: of("stdout"), stderr: of("stderr") } } : {};
}

function bytesOf(events: readonly OutputEvent[]): number {
  return events.reduce((sum, one) => sum + ("data" in one ? one.data.length : 0), 0);
}
