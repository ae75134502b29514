import { type Event, OutputStream, type Outcome as WireOutcome } from "@countersign/rpc";
import { Assembly } from "./assembly.ts";
import { CountersignError } from "./errors.ts";
import { outcomeError, type Summary } from "./outcome.ts";

/** A part of what a command writes. */
export interface OutputPart {
  readonly stream: "stdout" | "stderr";
  readonly data: Buffer;
}

/** What is known of a command or a file operation that ran. */
export interface SshSummary extends Omit<Summary, "command" | "rowCount" | "columns"> {
  /** Absent when a signal ended it, and for file operations. */
  readonly exitCode?: number;
  /** The signal that ended it, e.g. `TERM`. */
  readonly signal?: string;
}

/** Takes a command's output and its end from its events. */
export class SshOutput {
  readonly #assembly = new Assembly<never>("object", {});
  #received = 0;

  /** Takes the next event; gives a part of the output where it holds one. */
  take(event: Event): OutputPart | undefined {
    if (event.event?.$case !== "output") {
      this.#assembly.take(event);
      return undefined;
    }
    const { stream, data } = event.event.value;
    this.#received += data.length;
    return { stream: stream === OutputStream.STDERR ? "stderr" : "stdout", data };
  }

  /** How it ended. */
  summary(outcome: WireOutcome, requestId: string): SshSummary {
    const { command, rowCount, columns, ...known } = this.#assembly.summary(outcome, requestId);
    const { exitCode, signal } = outcome;
    return { ...known, ...(exitCode !== undefined && { exitCode }), ...(signal !== "" && { signal }) };
  }

  /** Why a caller cannot have the whole of it; `undefined` when it can. */
  failure(outcome: WireOutcome, requestId: string): CountersignError | undefined {
    const error = outcomeError(outcome, requestId);
    if (error !== undefined || this.#received >= outcome.bytes) return error;
    const message = "It ran, but its output was lost on the way; do not run it again only to get it.";
    return new CountersignError("result_gone", message, { requestId });
  }
}
