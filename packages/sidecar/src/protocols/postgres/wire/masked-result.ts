import { ProtocolViolation } from "../codec.ts";
import { maskedRows } from "../masks/masked-rows.ts";
import type { ColumnMask, ColumnOrigin, Masking } from "../masks/masking.ts";
import { headerBytes } from "./server-frames.ts";
import { server } from "./server-message.ts";

/** A row whose values are masked is taken whole; a larger one ends its statement. Bytes. */
export const largestMaskedRow = 64 * 1024 * 1024;

/** What one operation's rows become whose values its caller may not see. Nothing passes that was not described in the same answer. */
export class MaskedResult {
  readonly #masking: Masking;
  /** Of the rows that follow: undefined = nothing has been said of them. */
  #columns: readonly ColumnMask[] | "pass" | undefined;
  #row: Buffer = none;
  #filled = 0;

  constructor(masking: Masking) {
    this.#masking = masking;
  }

  get hidesWords(): boolean {
    return this.#masking.hidesWords;
  }

  /** A RowDescription stands from `at` to `end`. */
  describe(chunk: Buffer, at: number, end: number): void {
    this.#columns = this.#masking.columns(originsOf(chunk.subarray(at + headerBytes, end))) ?? "pass";
  }

  /** What was described has been given. */
  end(): void {
    this.#columns = undefined;
  }

  /**
   * A row of so many bytes comes. Gives whether it passes as it is; otherwise its parts go to {@link take}.
   *
   * @throws {ProtocolViolation} when it was not described, or is copied data of what is masked, neither of which a server gives.
   */
  begin(type: number, size: number): boolean {
    if (type === server.dataRow && this.#columns === "pass") return true;
    if (type === server.copyData && !this.hidesWords) return true;
    if (type !== server.dataRow || this.#columns === undefined)
      throw new ProtocolViolation("The server sent a row of what is masked that it had not described");
    this.#row = Buffer.allocUnsafe(size);
    this.#filled = 0;
    return false;
  }

  /** Takes a part of the row's body; gives the whole message for the client when it was the last. */
  take(part: Buffer): Buffer | undefined {
    const { length } = this.#row;
    if (this.#filled >= length || !Array.isArray(this.#columns)) return undefined;
    this.#filled += part.copy(this.#row, this.#filled);
    if (this.#filled < length) return undefined;
    const body = maskedRows(this.#row, 1, this.#columns);
    this.#row = none;
    this.#filled = 0;
    const message = Buffer.allocUnsafe(headerBytes + body.length);
    message[0] = server.dataRow;
    message.writeUInt32BE(body.length + 4, 1);
    body.copy(message, headerBytes);
    return message;
  }
}

const none = Buffer.alloc(0);

/** Table, number of the column there, and type of each field of a RowDescription's body (§53.7). */
function originsOf(body: Buffer): readonly ColumnOrigin[] {
  const origins: ColumnOrigin[] = [];
  let at = 2;
  for (let count = body.readUInt16BE(0); count > 0; count--) {
    at = body.indexOf(0, at) + 1;
    if (at === 0 || at + 18 > body.length) throw new ProtocolViolation("The server sent a malformed description of rows");
    origins.push({ tableID: body.readUInt32BE(at), columnID: body.readInt16BE(at + 4), dataTypeID: body.readUInt32BE(at + 6) });
    at += 18;
  }
  return origins;
}
