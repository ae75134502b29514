import type { Summary } from "../outcome.ts";

/** How much of a result a model gets to see. */
export interface Bounds {
  readonly rows: number;
  readonly characters: number;
}

/** The longest text of one value, characters. */
const longestValue = 1000;

/** Gathers a result's first rows as compact JSON; the others are counted only, so that a large result costs no memory. */
export class ResultText {
  readonly #bounds: Bounds;
  readonly #rows: string[] = [];
  #characters = 0;
  #total = 0;
  #full = false;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Takes the next row. */
  add(row: readonly unknown[]): void {
    this.#total++;
    if (this.#full) return;
    const text = JSON.stringify(row.map(shown));
    // The first row is always shown: an answer without any tells nothing.
    this.#full =
      this.#rows.length >= this.#bounds.rows ||
      (this.#rows.length > 0 && this.#characters + text.length > this.#bounds.characters);
    if (this.#full) return;
    this.#rows.push(text);
    this.#characters += text.length;
  }

  /** `{"command", "changed", "rowCount", "columns", "rows", "truncated"}`; the rows are arrays in the order of the columns. */
  text({ command, rowCount, columns }: Pick<Summary, "command" | "rowCount" | "columns">, changed?: string): string {
    const members = [`"command":${JSON.stringify(command)}`];
    if (changed !== undefined) members.push(`"changed":${JSON.stringify(changed)}`);
    if (rowCount !== null) members.push(`"rowCount":${rowCount}`);
    if (columns.length > 0) {
      members.push(`"columns":${JSON.stringify(columns.map(({ name }) => name))}`, `"rows":[${this.#rows.join(",")}]`);
    }
    if (this.#full) {
      const notice = `Only the first ${this.#rows.length} of ${this.#total} rows are shown; narrow the statement to see others.`;
      members.push(`"truncated":${JSON.stringify(notice)}`);
    }
    return `{${members.join(",")}}`;
  }
}

function shown(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return cut(value);
  if (value instanceof Uint8Array) return cut(`\\x${Buffer.from(value.subarray(0, longestValue)).toString("hex")}`);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  const text = JSON.stringify(value);
  return text.length > longestValue ? cut(text) : value;
}

function cut(text: string): string {
  return text.length > longestValue
    ? `${text.slice(0, longestValue).toWellFormed()}… (${text.length - longestValue} more characters)`
    : text;
}
