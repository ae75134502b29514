import type { QueryResult, Receipt, TypeParsers } from "@countersign/sdk";
import { visible } from "./terminal/escape.ts";
import { countText, durationText } from "./terminal/quantity.ts";
import { columnWidths, type TableColumn, tableLine } from "./terminal/table.ts";
import { line, paint, type Terminal, width, write } from "./terminal/terminal.ts";

/** A row as PostgreSQL's text, in column order. */
export type TextRow = readonly (string | null)[];

const asText = (text: string): string => text;

/** Every value as PostgreSQL wrote it: nothing is rounded or reformatted on its way to the screen. */
export const textTypes: TypeParsers = new Proxy<TypeParsers>({}, { get: () => asText });

/** For JSON: numbers, booleans and JSON as such; what a JavaScript value would round (timestamps: microseconds) stays text. */
export const jsonTypes: TypeParsers = {
  17: asText,
  1114: asText,
  1184: asText,
  1115: asText,
  1185: asText,
  1186: asText,
  1187: asText,
};

/** Types that read better to the right: int8 int2 int4 oid float4 float8 numeric money. */
const numeric: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700, 790]);

/** Prints a result as a table, for people. */
export async function printTable(terminal: Terminal, result: QueryResult<TextRow>): Promise<void> {
  const { stdout } = terminal;
  if (result.columns.length > 0) {
    const columns = result.columns.map(
      ({ name, typeOid }): TableColumn => ({
        title: visible(name),
        shrinks: true,
        align: numeric.has(typeOid) ? "right" : "left",
      }),
    );
    const rows = result.rows.map((row) => row.map((value) => (value === null ? nullText : visible(value))));
    const widths = columnWidths(columns, rows, width(stdout));
    line(
      stdout,
      paint(
        stdout,
        "bold",
        tableLine(
          columns,
          widths,
          columns.map(({ title }) => title),
        ),
      ),
    );
    line(stdout, paint(stdout, "gray", widths.map((one) => "─".repeat(one)).join("  ")));
    for (const row of rows) await write(stdout, `${tableLine(columns, widths, row)}\n`);
  }
  printSummary(terminal, result);
}

/** Prints a result for other programs: PostgreSQL's COPY text format, with a line of column names first. */
export async function printTsv(terminal: Terminal, result: QueryResult<TextRow>): Promise<void> {
  if (result.columns.length > 0) {
    await write(terminal.stdout, `${result.columns.map(({ name }) => copyText(name)).join("\t")}\n`);
    for (const row of result.rows) await write(terminal.stdout, `${row.map(copyText).join("\t")}\n`);
  }
  printSummary(terminal, result);
}

/** Prints a result as one JSON document, row by row. */
export async function printJson(
  terminal: Terminal,
  { rows, receipt, ...summary }: QueryResult<Record<string, unknown>>,
): Promise<void> {
  const head = JSON.stringify({ state: "succeeded", ...summary, ...(receipt && { receipt: receiptJson(receipt) }) });
  await write(terminal.stdout, `${head.slice(0, -1)},"rows":[`);
  for (const [index, row] of rows.entries()) await write(terminal.stdout, `${index === 0 ? "" : ","}\n${JSON.stringify(row)}`);
  await write(terminal.stdout, `${rows.length > 0 ? "\n" : ""}]}\n`);
}

const nullText = "∅";

/** One value in PostgreSQL's COPY text format. */
function copyText(value: string | null): string {
  return value === null ? "\\N" : value.replace(/[\\\b\f\n\r\t\v]/g, (character) => copyEscapes[character] ?? character);
}

const copyEscapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** What happened goes to standard error, so that standard output holds nothing but data. */
function printSummary(
  terminal: Terminal,
  { command, rowCount, rows, columns, durationMs, requestId, receipt }: QueryResult<unknown>,
): void {
  const what = columns.length > 0 ? countText(rows.length, "row") : `${command}${rowCount === null ? "" : ` ${rowCount}`}`;
  const proof = receipt === undefined ? "" : `, audit record ${receipt.logIndex}`;
  line(terminal.stderr, paint(terminal.stderr, "gray", `${what} in ${durationText(durationMs)} (${requestId}${proof})`));
}

function receiptJson({ record, inclusionProof, ...receipt }: Receipt): Record<string, unknown> {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return { ...receipt, record: base64(record), inclusionProof: inclusionProof.map(base64) };
}
