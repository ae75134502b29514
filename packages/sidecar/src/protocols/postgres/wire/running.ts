import type { Limits } from "@countersign/policy";
import type { PassageEnd } from "../../../native/passage.ts";
import type { Masking } from "../masks/masking.ts";
import { largestMaskedRow, MaskedResult } from "./masked-result.ts";

/** Which bound of the policy was reached; `row`: ours of a row whose values are masked. */
export type LimitKind = "rows" | "bytes" | "time" | "row";

/** Hears how an operation ended: the passage of an allowed one, the dispatch of one that was held. Once. */
export interface Ending {
  end(how: PassageEnd): void;
}

/** What an operation is run under. */
interface RunningTerms {
  readonly limits: Limits;
  readonly readOnly: boolean;
  readonly startedMs: number;
  /** So many rows of the same cursor were passed on before. */
  readonly rowsBefore?: number;
  /** Whether the client may stream data to it; default yes. What approvers had to see was captured before. */
  readonly takesData?: boolean;
  /** Whether it may change how later statements are read; default no. */
  readonly suspicious?: boolean;
  /** How its values are hidden; default not at all. */
  readonly masking?: Masking | undefined;
}

/** One operation on its way through the server: what of its result was passed on, and where the policy cuts it. */
export class Running {
  rows = 0;
  /** Bodies of rows, or of copied data. */
  bytes = 0;
  /** Of the last CommandComplete. */
  tag: string | undefined;
  sqlstate: string | undefined;
  /** The client gets no more of the result. */
  cut: LimitKind | undefined;
  readonly limits: Limits;
  readonly masked: MaskedResult | undefined;
  /** Whether rows have to be looked at one by one. */
  readonly limited: boolean;
  readonly rowsBefore: number;
  readonly readOnly: boolean;
  readonly takesData: boolean;
  readonly suspicious: boolean;
  readonly #startedMs: number;
  #ending: Ending | undefined;

  constructor(ending: Ending, terms: RunningTerms) {
    const { limits, readOnly, startedMs, rowsBefore = 0, takesData = true, suspicious = false, masking } = terms;
    this.#ending = ending;
    this.limits = limits;
    this.readOnly = readOnly;
    this.takesData = takesData;
    this.suspicious = suspicious;
    this.masked = masking && new MaskedResult(masking);
    this.limited = limits.rows !== undefined || limits.bytes !== undefined || masking !== undefined;
    this.rowsBefore = rowsBefore;
    this.#startedMs = startedMs;
  }

  /** Whether it may be stopped by a limit. */
  get bounded(): boolean {
    return this.limited || this.limits.timeMs !== undefined;
  }

  get ended(): boolean {
    return this.#ending === undefined;
  }

  /** Whether a row of so many bytes fits into what is left of the limits. */
  admits(size: number): boolean {
    const { rows, bytes } = this.limits;
    if (rows !== undefined && this.rowsBefore + this.rows >= rows) this.cut = "rows";
    else if (bytes !== undefined && this.bytes + size > bytes) this.cut = "bytes";
    else if (this.masked !== undefined && size > largestMaskedRow) this.cut = "row";
    return this.cut === undefined;
  }

  /** The server has answered all of it. */
  finish(nowMs: number): void {
    this.end(this.sqlstate === undefined && this.cut === undefined ? "succeeded" : "failed", nowMs);
  }

  /** Nobody will ask for more of it: the portal is gone. */
  drop(nowMs: number): void {
    this.end(this.rows > 0 || this.tag !== undefined ? "succeeded" : "unsent", nowMs);
  }

  /** The connection broke before the server said what became of it. */
  lose(nowMs: number): void {
    this.end(this.readOnly ? "failed" : "unknown", nowMs);
  }

  /** Says how it ended; later words are not heard. */
  end(state: PassageEnd["state"], nowMs: number): void {
    const ending = this.#ending;
    if (ending === undefined) return;
    this.#ending = undefined;
    const { rows, bytes, tag: commandTag, sqlstate: targetCode } = this;
    ending.end({ state, rows, bytes, durationMs: Math.max(nowMs - this.#startedMs, 0), targetCode, commandTag });
  }
}
