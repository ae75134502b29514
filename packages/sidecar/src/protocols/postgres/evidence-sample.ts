import { type ChangeStatement, type RowChange, withReturning } from "@countersign/policy";
import { type EvidenceSession, identifier, literal } from "./evidence-session.ts";

/** How many rows are shown. */
export const sampleRows = 5;

const mostColumns = 40;
/** Longest value that is shown, characters. */
const longestValue = 200;
/** Stored values above this are not even unpacked, bytes. */
const largestValue = 64 * 1024;

/** What the rows before and after are called inside the statement; no table of anybody's has such a name by chance. */
const names = { old: "countersign_old", new: "countersign_new" };

interface Column {
  readonly name: string;
  /** Its place in the primary key, from 1. */
  readonly key: number | undefined;
  /** Whether every row has a value in it. */
  readonly isFilled: boolean;
}

type Values = readonly (string | null)[];

/** The statement that also tells of the rows that it changes, and how to read what it tells. */
export interface Sampling {
  readonly statement: string;
  /** Makes the sample of the rows that came, inside the transaction as it was before the statement. */
  read(rows: readonly Values[]): Promise<readonly RowChange[]>;
}

/**
 * Makes the statement give back what becomes of its rows: from PostgreSQL 18 on the row before and the row after, on older servers the one of them
 * that there is, with the primary key to look the row before up by. Undefined where that cannot be done.
 */
export async function samplingOf(
  session: EvidenceSession,
  change: ChangeStatement,
  statement: string,
  table: string,
): Promise<Sampling | undefined> {
  const columns = await columnsOf(session, table);
  if (columns.length === 0) return undefined;
  if (session.version >= 18 && !change.returns) return bothSides(statement, columns);
  // Which rows a MERGE inserted, changed or deleted, older servers do not tell.
  return change.verb === "MERGE" ? undefined : oneSide(session, change, statement, table, columns);
}

function bothSides(statement: string, columns: readonly Column[]): Sampling | undefined {
  const [old, now] = [identifier(names.old), identifier(names.new)];
  // A system column is there for whoever may read all of the table only.
  const sign = identifier(columns.find(({ isFilled }) => isFilled)?.name ?? "tableoid");
  const list = [`${old}.${sign} is not null`, `${now}.${sign} is not null`, ...shown(columns, old), ...shown(columns, now)];
  const extended = withReturning(statement, list.join(", "), { old, new: now });
  if (extended === undefined) return undefined;
  const read = async (rows: readonly Values[]) =>
    rows.map(([hadBefore, hasAfter, ...values]): RowChange => {
      const [before, after] = [values.slice(0, columns.length), values.slice(columns.length)];
      const sides = { ...(hadBefore === "t" && { before: cut(before) }), ...(hasAfter === "t" && { after: cut(after) }) };
      return { columns: columns.map(({ name }) => name), ...sides };
    });
  return { statement: extended, read };
}

function oneSide(
  session: EvidenceSession,
  { verb, reference, assigned }: ChangeStatement,
  statement: string,
  table: string,
  columns: readonly Column[],
): Sampling | undefined {
  const key = columns.filter((column) => column.key !== undefined);
  const list = [...shown(columns, identifier(reference)), ...texts(key, identifier(reference))];
  const extended = withReturning(statement, list.join(", "));
  if (extended === undefined) return undefined;
  const named = columns.map(({ name }) => name);
  // A row is found again by its key only when the key stays.
  const isFindable = key.length > 0 && !key.some(({ name }) => assigned.includes(name));
  const read = async (rows: readonly Values[]) => {
    // The statement's own list, if it has one, comes first.
    const told = rows.map((row) => row.slice(-list.length));
    const values = told.map((row) => cut(row.slice(0, columns.length)));
    if (verb === "DELETE") return values.map((before): RowChange => ({ columns: named, before }));
    if (verb === "INSERT" && assigned.length === 0) return values.map((after): RowChange => ({ columns: named, after }));
    if (!isFindable) return values.map((after): RowChange => ({ columns: named, after, beforeUnknown: true }));
    const keys = told.map((row) => row.slice(columns.length));
    const before = await rowsOf(session, table, columns, key, keys);
    return values.map((after, index): RowChange => {
      const found = before.get(JSON.stringify(keys[index]));
      if (found !== undefined) return { columns: named, before: found, after };
      return { columns: named, after, ...(verb === "UPDATE" && { beforeUnknown: true }) };
    });
  };
  return { statement: extended, read };
}

/** Rows by their primary keys, as they are. */
async function rowsOf(
  session: EvidenceSession,
  table: string,
  columns: readonly Column[],
  key: readonly Column[],
  keys: readonly Values[],
): Promise<ReadonlyMap<string, Values>> {
  if (keys.length === 0) return new Map();
  const [[name = null] = []] = await session.ask(`select ${table}::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text`);
  const row = identifier(names.old);
  const conditions = keys.map(
    (values) =>
      `(${key.map((column, index) => `${row}.${identifier(column.name)} = ${literal(values[index] ?? "")}`).join(" and ")})`,
  );
  const list = [...shown(columns, row), ...texts(key, row)].join(", ");
  const found = await session.ask(`select ${list} from ${name} as ${row} where ${conditions.join(" or ")}`);
  return new Map(found.map((one) => [JSON.stringify(one.slice(columns.length)), cut(one.slice(0, columns.length))]));
}

/** The columns that the login may read: the key's first, so that they are never among those left out. */
async function columnsOf(session: EvidenceSession, table: string): Promise<readonly Column[]> {
  const found = await session.ask(`
    select a.attname, pg_catalog.array_position(i.indkey::pg_catalog.int2[], a.attnum), a.attnotnull
    from pg_catalog.pg_attribute a left join pg_catalog.pg_index i on i.indrelid = a.attrelid and i.indisprimary
    where a.attrelid = ${table} and a.attnum > 0 and not a.attisdropped
      and pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'select')
    order by 2 nulls last, a.attnum limit ${mostColumns}`);
  return found.map(([name, place, isFilled]) => ({
    name: name ?? "",
    key: place === null || place === undefined ? undefined : Number(place),
    isFilled: isFilled === "t",
  }));
}

/** Values as people see them, cut by the server: `format` gives what the type's own output does. */
function shown(columns: readonly Column[], row: string): readonly string[] {
  return columns.map(({ name }) => {
    const value = `${row}.${identifier(name)}`;
    const size = `pg_catalog.pg_column_size(${value})`;
    return `case when ${value} is null then null when ${size} operator(pg_catalog.>) ${largestValue} then pg_catalog.concat('(', ${size}, ' bytes)…') else pg_catalog.left(pg_catalog.format('%s', ${value}), ${longestValue + 1}) end`;
  });
}

function texts(columns: readonly Column[], row: string): readonly string[] {
  return columns.map(({ name }) => `pg_catalog.format('%s', ${row}.${identifier(name)})`);
}

function cut(values: Values): Values {
  return values.map((value) => {
    if (value === null || value.length <= longestValue) return value;
    return `${Array.from(value).slice(0, longestValue).join("")}…`.toWellFormed();
  });
}
