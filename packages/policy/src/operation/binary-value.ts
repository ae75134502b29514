import { binaryDate, binaryTime, binaryTimestamp } from "./binary-time.ts";

/** PostgreSQL's built-in types whose binary format (their `*send` functions) is read here, by OID (pg_type.dat). They never change. */
const types: Readonly<Record<number, { readonly name: string; readonly read: (bytes: Buffer) => string | undefined }>> = {
  16: { name: "bool", read: (bytes) => sized(bytes, 1) && (bytes[0] === 0 ? "false" : "true") },
  17: { name: "bytea", read: (bytes) => `\\x${bytes.toString("hex")}` },
  18: { name: "char", read: text },
  19: { name: "name", read: text },
  20: { name: "int8", read: (bytes) => sized(bytes, 8) && String(bytes.readBigInt64BE()) },
  21: { name: "int2", read: (bytes) => sized(bytes, 2) && String(bytes.readInt16BE()) },
  23: { name: "int4", read: (bytes) => sized(bytes, 4) && String(bytes.readInt32BE()) },
  25: { name: "text", read: text },
  26: { name: "oid", read: (bytes) => sized(bytes, 4) && String(bytes.readUInt32BE()) },
  114: { name: "json", read: text },
  700: { name: "float4", read: (bytes) => sized(bytes, 4) && shortest(bytes.readFloatBE()) },
  701: { name: "float8", read: (bytes) => sized(bytes, 8) && decimal(bytes.readDoubleBE()) },
  1042: { name: "bpchar", read: text },
  1043: { name: "varchar", read: text },
  1082: { name: "date", read: (bytes) => sized(bytes, 4) && binaryDate(bytes.readInt32BE()) },
  1083: { name: "time", read: (bytes) => sized(bytes, 8) && binaryTime(bytes.readBigInt64BE()) },
  1114: { name: "timestamp", read: (bytes) => sized(bytes, 8) && binaryTimestamp(bytes.readBigInt64BE(), "") },
  1184: { name: "timestamptz", read: (bytes) => sized(bytes, 8) && binaryTimestamp(bytes.readBigInt64BE(), "+00") },
  1700: { name: "numeric", read: numeric },
  2950: {
    name: "uuid",
    read: (bytes) => sized(bytes, 16) && bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  },
  // A version comes first.
  3802: { name: "jsonb", read: (bytes) => (bytes[0] === 1 ? text(bytes.subarray(1)) : undefined) },
};

/** Array types, by their elements' type. */
const elementOf: Readonly<Record<number, number>> = {
  ...{ 199: 114, 1000: 16, 1001: 17, 1002: 18, 1003: 19, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20 },
  ...{ 1021: 700, 1022: 701, 1028: 26, 1115: 1114, 1182: 1082, 1183: 1083, 1185: 1184, 1231: 1700, 2951: 2950, 3807: 3802 },
};

/** More is left as bytes: nobody reads it. */
const longest = 64 * 1024;
const mostDimensions = 6;

/** How a value in PostgreSQL's binary format reads. */
export interface BinaryReading {
  /** E.g. `int4`, `text[]`. */
  readonly type: string;
  /** PostgreSQL's text form, in UTC where it is a moment. */
  readonly text: string;
}

/** Reads a value in binary format; undefined for a type that is not known here, and for bytes that are none of that type: nothing is guessed. */
export function readBinary(type: number, bytes: Buffer): BinaryReading | undefined {
  if (bytes.length > longest) return undefined;
  const element = elementOf[type];
  const known = types[element ?? type];
  if (known === undefined) return undefined;
  const read = element === undefined ? known.read(bytes) : readArray(bytes, element, known.read);
  return read === undefined ? undefined : { type: `${known.name}${element === undefined ? "" : "[]"}`, text: read };
}

function sized(bytes: Buffer, size: number): true | undefined {
  return bytes.length === size ? true : undefined;
}

function text(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** As few digits as give the same single back. */
function shortest(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const said = Number(value.toPrecision(digits));
    if (Math.fround(said) === value) return decimal(said);
  }
  return decimal(value);
}

/** With an exponent of two digits at least. */
function decimal(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value).replace(/(e[+-])(?=\d$)/, "$10");
}

const signs: Readonly<Record<number, string>> = { 0: "", 16384: "-" };
const specials: Readonly<Record<number, string>> = { 49152: "NaN", 53248: "Infinity", 61440: "-Infinity" };

/** Groups of four decimal digits; `weight`: how many of them, less one, are before the point (`numeric_send`). */
function numeric(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined;
  const [count, weight, sign, scale] = [
    bytes.readUInt16BE(0),
    bytes.readInt16BE(2),
    bytes.readUInt16BE(4),
    bytes.readUInt16BE(6),
  ];
  if (bytes.length !== 8 + 2 * count) return undefined;
  if (sign in specials) return specials[sign];
  const minus = signs[sign];
  // PostgreSQL has at most 131072 digits before the point, but nobody reads those.
  if (minus === undefined || Math.abs(weight) > 1000 || scale > 4000) return undefined;
  const group = (place: number): string | undefined => {
    const value = place < 0 || place >= count ? 0 : bytes.readUInt16BE(8 + 2 * place);
    return value > 9999 ? undefined : String(value).padStart(4, "0");
  };
  let [whole, fraction]: [string, string] = ["", ""];
  for (let place = Math.min(0, weight + 1); place < Math.max(count, weight + 1); place++) {
    const digits = group(place);
    if (digits === undefined) return undefined;
    if (place <= weight) whole += digits;
    else fraction += digits;
  }
  const shown = fraction.padEnd(scale, "0").slice(0, scale);
  return `${minus}${whole.replace(/^0+(?=\d)/, "") || "0"}${scale > 0 ? `.${shown}` : ""}`;
}

/** Dimensions with their lower bounds, then the elements, each with its length (`array_send`). */
function readArray(bytes: Buffer, element: number, read: (bytes: Buffer) => string | undefined): string | undefined {
  if (bytes.length < 12) return undefined;
  const dimensions = bytes.readInt32BE(0);
  if (bytes.readUInt32BE(8) !== element || dimensions < 0 || dimensions > mostDimensions) return undefined;
  if (dimensions === 0) return bytes.length === 12 ? "{}" : undefined;
  if (bytes.length < 12 + 8 * dimensions) return undefined;
  const sizes: number[] = [];
  let bounds = "";
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const [size, lower] = [bytes.readInt32BE(12 + 8 * dimension), bytes.readInt32BE(16 + 8 * dimension)];
    if (size < 1 || size > bytes.length) return undefined;
    sizes.push(size);
    bounds += `[${lower}:${lower + size - 1}]`;
  }
  let at = 12 + 8 * dimensions;
  const level = (dimension: number): string | undefined => {
    const parts: string[] = [];
    for (let index = 0; index < (sizes[dimension] ?? 0); index++) {
      const part = dimension + 1 < dimensions ? level(dimension + 1) : one();
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `{${parts.join(",")}}`;
  };
  const one = (): string | undefined => {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) return "NULL";
    if (length < 0 || at + length > bytes.length) return undefined;
    const said = read(bytes.subarray(at, at + length));
    at += length;
    return said === undefined ? undefined : quoted(said);
  };
  const all = level(0);
  if (all === undefined || at !== bytes.length) return undefined;
  return /^(?:\[1:\d+\])+$/.test(bounds) ? all : `${bounds}=${all}`;
}

/** As `array_out` does. */
function quoted(text: string): string {
  return text === "" || /^null$/i.test(text) || /[{}",\\\s]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
