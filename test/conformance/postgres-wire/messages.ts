/** Frontend messages as bytes (PostgreSQL §53.7), written apart from the product's codec so that neither hides a mistake of the other. */

/** A message of a type, its length filled in. */
export function frame(type: string, ...body: readonly (Buffer | string | number)[]): Buffer {
  const content = Buffer.concat(body.map(part));
  const header = Buffer.alloc(5);
  header.write(type, 0, "latin1");
  header.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([header, content]);
}

/** A text stays as it is: an ending NUL is written out. A number is two bytes. */
function part(value: Buffer | string | number): Buffer {
  if (typeof value === "number") return int16(value);
  return typeof value === "string" ? Buffer.from(value) : value;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** What Bind is made of beside the names. */
export interface Bound {
  readonly portal?: string;
  readonly statement?: string;
  /** Texts, raw bytes, or null. */
  readonly values?: readonly (string | Buffer | null)[];
  readonly formats?: readonly number[];
  readonly resultFormats?: readonly number[];
}

/** The messages by name. */
export const message = {
  query: (sql: string) => frame("Q", `${sql}\0`),
  parse: (sql: string, name = "", types: readonly number[] = []) =>
    frame("P", `${name}\0${sql}\0`, types.length, ...types.map(int32)),
  bind: ({ portal = "", statement = "", values = [], formats = [], resultFormats = [] }: Bound = {}) =>
    frame(
      "B",
      `${portal}\0${statement}\0`,
      ...[formats.length, ...formats],
      values.length,
      ...values.map((value) => {
        if (value === null) return int32(-1);
        const bytes = Buffer.from(value);
        return Buffer.concat([int32(bytes.length), bytes]);
      }),
      ...[resultFormats.length, ...resultFormats],
    ),
  describe: (kind: "S" | "P", name = "") => frame("D", `${kind}${name}\0`),
  execute: (portal = "", rows = 0) => frame("E", `${portal}\0`, int32(rows)),
  close: (kind: "S" | "P", name = "") => frame("C", `${kind}${name}\0`),
  flush: () => frame("H"),
  sync: () => frame("S"),
  terminate: () => frame("X"),
  copyData: (data: string | Buffer) => frame("d", data),
  copyDone: () => frame("c"),
  copyFail: (why: string) => frame("f", `${why}\0`),
  functionCall: (oid: number) => frame("F", int32(oid), 0, 0, 0),
  password: (text: string) => frame("p", `${text}\0`),
};

/** Parse, Bind, Describe, Execute of one statement, without a Sync. */
export function extended(sql: string, bound: Bound = {}, rows = 0): Buffer {
  const { portal = "", statement = "" } = bound;
  return Buffer.concat([
    message.parse(sql, statement),
    message.bind(bound),
    message.describe("P", portal),
    message.execute(portal, rows),
  ]);
}

/** The first packet of a connection. */
export function startup(parameters: Readonly<Record<string, string>>, version = 0x0003_0000): Buffer {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`);
  const body = Buffer.concat([int32(version), Buffer.from(`${pairs.join("")}\0`)]);
  return Buffer.concat([int32(body.length + 4), body]);
}
