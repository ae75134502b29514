import type { Column as WireColumn } from "@countersign/rpc";
import { CountersignError } from "./errors.ts";
import { type FieldReader, fieldReader, type TypeParsers } from "./field-reader.ts";

/** One column of a result. */
export interface Column {
  /** As PostgreSQL gave it. */
  readonly name: string;
  /** The type's OID (`pg_type.oid`). */
  readonly typeOid: number;
  /** The type modifier, -1 when none. */
  readonly typeModifier: number;
}

/** What a row is: an object by column name (the last of equal names wins), or an array in column order. */
export type RowMode = "object" | "array";

const noData = Buffer.alloc(0);

/**
 * Turns `Rows.data` (DataRow bodies, PostgreSQL protocol 3.0, section 53.7) into rows. Made once for each result: this is the hot path of
 * large ones.
 */
export class RowReader<Row> {
  readonly columns: readonly Column[];
  readonly #readers: readonly FieldReader[];
  readonly #names: readonly string[];
  readonly #mode: RowMode;
  /** Copied for every row, so that all of them share one hidden class; own properties also where a column is called `__proto__`. */
  readonly #blank: Record<string, unknown>;
  #data: Buffer = noData;
  #offset = 0;

  constructor(columns: readonly WireColumn[], mode: RowMode, types: TypeParsers) {
    this.columns = columns;
    this.#readers = columns.map(({ typeOid }) => fieldReader(typeOid, types));
    this.#names = columns.map(({ name }) => name);
    this.#mode = mode;
    this.#blank = Object.fromEntries(this.#names.map((name) => [name, null]));
  }

  /**
   * Appends the rows of one chunk.
   *
   * @throws {CountersignError} `internal` when the bytes are not `count` rows of these columns.
   */
  read(data: Buffer, count: number, into: Row[]): void {
    this.#data = data;
    this.#offset = 0;
    for (let index = 0; index < count; index++) {
      this.#width();
      // The caller says what its statement gives; nobody can check that for it.
      into.push((this.#mode === "object" ? this.#object() : this.#array()) as Row);
    }
    if (this.#offset !== data.length) throw malformed();
    this.#data = noData;
  }

  #object(): Record<string, unknown> {
    const row = { ...this.#blank };
    let column = 0;
    for (const name of this.#names) row[name] = this.#field(column++);
    return row;
  }

  #array(): unknown[] {
    const row: unknown[] = [];
    for (let column = 0; column < this.#readers.length; column++) row.push(this.#field(column));
    return row;
  }

  #width(): void {
    if (this.#data.length < this.#offset + 2 || this.#data.readUInt16BE(this.#offset) !== this.#readers.length) throw malformed();
    this.#offset += 2;
  }

  #field(column: number): unknown {
    const data = this.#data;
    const start = this.#offset + 4;
    if (data.length < start) throw malformed();
    const length = data.readInt32BE(start - 4);
    if (length === -1) {
      this.#offset = start;
      return null;
    }
    const end = start + length;
    const read = this.#readers[column];
    if (length < 0 || end > data.length || read === undefined) throw malformed();
    this.#offset = end;
    return read(data, start, end);
  }
}

function malformed(): CountersignError {
  return new CountersignError(
    "internal",
    "The sidecar sent rows that do not fit their columns; its version may not fit this SDK's.",
  );
}
