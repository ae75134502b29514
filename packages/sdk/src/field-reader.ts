import pgTypes from "pg-types";

/** Own parsers by type OID, from PostgreSQL's text format; e.g. `{ 20: BigInt }` for int8. */
export type TypeParsers = Readonly<Record<number, (text: string) => unknown>>;

/** Reads one value, not NULL, from its bytes in PostgreSQL's text format. */
export type FieldReader = (data: Buffer, start: number, end: number) => unknown;

const readText: FieldReader = (data, start, end) => data.toString("utf8", start, end);
const readBool: FieldReader = (data, start) => data[start] === 0x74; // "t"

/** int2, int4 and oid without the detour over a string: they are the most frequent columns of all. */
const readInteger: FieldReader = (data, start, end) => {
  const negative = data[start] === 0x2d; // "-"
  let value = 0;
  for (let index = negative ? start + 1 : start; index < end; index++) value = value * 10 + data.readUInt8(index) - 0x30;
  return negative ? -value : value;
};

/** By type OID (pg_type.dat); all other types go through pg-types, and those that it does not know are text. */
const readers: Record<number, FieldReader> = { 16: readBool, 21: readInteger, 23: readInteger, 26: readInteger };

/**
 * How the values of a type are read: int2, int4, oid and floats are numbers; int8 and numeric strings (they do not fit a number); bool boolean;
 * json and jsonb parsed; timestamptz and timestamp `Date` (the latter taken as UTC, so that a `Date` comes back as it went in); date and time
 * strings (they are no moment in time); bytea `Buffer`; interval, point, circle and ranges objects; arrays of these; everything else text.
 */
export function fieldReader(typeOid: number, types: TypeParsers): FieldReader {
  const own = types[typeOid];
  if (own !== undefined) return (data, start, end) => own(data.toString("utf8", start, end));
  const known = readers[typeOid];
  if (known !== undefined) return known;
  const parse: (text: string) => unknown = pgTypes.getTypeParser(typeOid, "text");
  // pg-types' own word for "leave it as text".
  return parse === String ? readText : (data, start, end) => parse(data.toString("utf8", start, end));
}
