import { operationMessage, operationParts } from "@countersign/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBinary } from "../../../packages/policy/src/operation/binary-value.ts";
import { type PostgresServer, startPostgres } from "../../harness/postgres.ts";
import { extended, message } from "../postgres-wire/messages.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ access: ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256"] });
});
afterAll(() => server.stop());

const values: Readonly<Record<string, readonly string[]>> = {
  int2: ["-32768", "0", "32767"],
  int4: ["-2147483648", "42"],
  int8: ["-9223372036854775808", "9223372036854775807"],
  oid: ["4294967295"],
  float4: ["0.1", "-1.5", "3.4028235e+38", "NaN", "-Infinity"],
  float8: ["0.1", "1e-7", "1.7976931348623157e+308", "Infinity"],
  numeric: ["0", "0.00", "-0.00012300", "12345678901234567890.5", "10000", "1e20", "NaN", "9999.9999", "1e-20", "100000000.0001"],
  text: ["", "naïve\u{1f600}", "a\nb"],
  varchar: ["x"],
  bytea: ["\\x00ff", "\\x"],
  uuid: ["0f8fad5b-d9cb-469f-a165-70867728950e"],
  date: ["2000-01-01", "1999-12-31", "0044-03-15 BC", "infinity", "2026-11-23", "9999-12-31"],
  time: ["00:00:00", "23:59:59.5", "24:00:00"],
  timestamp: ["1999-12-31 23:59:59.999999", "2026-11-23 02:03:04", "-infinity", "0001-01-01 00:00:00 BC"],
  timestamptz: ["2026-11-23 02:03:04.1+00"],
  json: ['{"a": [1]}'],
  jsonb: ['{"a": [1, null]}'],
  "int4[]": ["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={7,8}"],
  "text[]": ['{a,"b c","",NULL,"NULL","x\\"y","back\\\\slash","{"}'],
  "timestamptz[]": ['{"2026-11-23 02:03:04+00"}'],
  "numeric[]": ["{1.50,-2}"],
  "uuid[]": ["{0f8fad5b-d9cb-469f-a165-70867728950e}"],
  "jsonb[]": ['{"{\\"a\\": 1}"}'],
  "bytea[]": ['{"\\\\x01"}'],
};

test("values in binary format read as PostgreSQL itself writes them", async () => {
  using client = await RawClient.open({ ...server.connection(), host: server.folder, options: "-c timezone=UTC" });
  const cases = Object.entries(values).flatMap(([type, list]) => list.map((value) => [type, value] as const));
  for (const [type, value] of cases) {
    const literal = `'${value.replaceAll("'", "''")}'::${type}`;
    const answers = await client.ask(message.query(`select '${type}'::regtype::oid::int, ${literal}::text`));
    const [oid = "", text = ""] = cells(answers);
    const inBinary = await client.ask(Buffer.concat([extended(`select ${literal}`, { resultFormats: [1] }), message.sync()]));
    const [bytes] = cells(inBinary, "latin1");
    expect([type, readBinary(Number(oid), Buffer.from(bytes ?? "", "latin1"))?.text]).toEqual([type, text]);
  }
});

test("an approver sees the reading beside the bytes, which alone are what is approved", () => {
  const binary = Buffer.from("0000002a", "hex").toString("base64url");
  const query = {
    kind: "postgres.query",
    statement: "select $1, $2, $3",
    parameters: [{ binary }, { binary }, { text: "x" }],
  } as const;
  const typed = { ...query, types: [23, 0, 25] };
  expect(operationParts(typed)).toContainEqual({
    ...{ name: "Binary parameters, as they read", type: "values" },
    values: [{ name: "$1 as int4", content: { text: "42" } }],
  });
  expect(operationParts(query).map(({ name }) => name)).toEqual(["Statement", "Parameters"]);
  expect(operationMessage(typed).operation?.value).toMatchObject({ parameters: [{}, {}, {}], types: [23, 0, 25] });
});

test("booleans read as words", () => {
  expect(readBinary(16, Buffer.of(1))).toEqual({ type: "bool", text: "true" });
  expect(readBinary(16, Buffer.of(0))).toEqual({ type: "bool", text: "false" });
});

test("what is not of its type, or of a type that nobody knows, is not guessed at", () => {
  for (const oid of [16, 20, 21, 23, 700, 701, 1082, 1083, 1114, 1700, 2950, 3802, 1007]) {
    expect(readBinary(oid, Buffer.alloc(3, 0xff))).toBeUndefined();
    expect(readBinary(oid, Buffer.alloc(0))).toBeUndefined();
  }
  expect(readBinary(25, Buffer.of(0xff))).toBeUndefined();
  expect(readBinary(600, Buffer.alloc(16))).toBeUndefined();
  expect(readBinary(1016, Buffer.from("000000010000000000000017000000010000000100000004000000ff", "hex"))).toBeUndefined();
  const huge = Buffer.from(
    "00000006000000000000001700001000000000010000100000000001000010000000000100001000000000010000100000000001",
    "hex",
  );
  expect(readBinary(1007, huge)).toBeUndefined();
});

function cells(
  answers: readonly { readonly type: string; readonly body: Buffer }[],
  encoding: BufferEncoding = "utf8",
): string[] {
  const row = answers.find(({ type }) => type === "D")?.body;
  if (row === undefined) throw new Error(JSON.stringify(answers.map(({ type, body }) => [type, body.toString()])));
  const found: string[] = [];
  for (let at = 2, left = row.readUInt16BE(0); left > 0; left--) {
    const length = row.readInt32BE(at);
    found.push(row.toString(encoding, at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}
