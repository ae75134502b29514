import { classify, loadParser } from "@countersign/policy";
import { beforeAll, describe, expect, it } from "vitest";
import { ProtocolViolation } from "../codec.ts";
import { Masking } from "../masks/masking.ts";
import { type Expected, expected } from "./expected.ts";
import { largestMaskedRow } from "./masked-result.ts";
import { Replies, type RepliesHandler } from "./replies.ts";
import { Running } from "./running.ts";
import { complaintMessage } from "./server-message.ts";

function frame(type: string, body: string | Buffer = ""): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

/** What a server's bytes lead to: what the client gets, and what was heard besides. */
function heard(due: readonly Expected[], chunks: readonly Buffer[]) {
  const client: Buffer[] = [];
  const events: string[] = [];
  const note = (what: string) => (entry: Expected) => void events.push(`${what} ${entry.kind}`);
  const handler: RepliesHandler = {
    toClient: (bytes) => client.push(Buffer.from(bytes)),
    completed: note("completed"),
    answered: note("answered"),
    suspended: note("suspended"),
    advanced: () => {},
    failed: note("failed"),
    skipped: note("skipped"),
    lost: () => void events.push("lost"),
    ready: (status) => void events.push(`ready ${status}`),
    ownReady: () => frame("Z", "T"),
    limit: note("limit"),
    limitReached: () => frame("E", "limit"),
    overtaken: () => void events.push("overtaken"),
    copyIn: () => true,
    reported: (name, value) => void events.push(`${name} is ${value}`),
    serverEnds: () => void events.push("ends"),
  };
  const replies = new Replies(handler);
  for (const entry of due) replies.expect({ ...entry });
  for (const chunk of chunks) replies.push(chunk);
  return { client: Buffer.concat(client).toString("latin1"), events, due: replies.due };
}

/** A statement on table 7, whose second column is masked. */
function masked(): Expected {
  const statement = "select upper(email), email from c";
  const { sql } = classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] });
  const c = { name: "public.c", columns: new Set([0, 2]), columnNames: new Set(["email"]) };
  const masking = new Masking(["public.c.email"], new Map([[7, c]]), { facts: sql });
  return expected("query", { running: new Running({ end: () => {} }, { limits: {}, readOnly: true, startedMs: 0, masking }) });
}

/** A RowDescription: table, column and type of each. */
function describing(...columns: readonly (readonly [table: number, column: number, type: number])[]): Buffer {
  const body = columns.map(([table, column, type]) => {
    const field = Buffer.alloc(20);
    field.write("f\0");
    field.writeUInt32BE(table, 2);
    field.writeInt16BE(column, 6);
    field.writeUInt32BE(type, 8);
    return field;
  });
  return frame("T", Buffer.concat([Buffer.of(0, columns.length), ...body]));
}

function cells(...values: readonly (string | null)[]): Buffer {
  const body = values.map((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : value.length);
    return Buffer.concat([length, Buffer.from(value ?? "")]);
  });
  return frame("D", Buffer.concat([Buffer.of(0, values.length), ...body]));
}

const row = (text: string) => frame("D", `\0\x01\0\0\0\x01${text}`);
const own = complaintMessage({ severity: "ERROR", sqlstate: "42501", message: "no" });
const conversation: readonly (readonly [sent: readonly Expected[], said: Buffer, toClient: Buffer])[] = [
  [
    [expected("query")],
    Buffer.concat([frame("T"), row("a"), row("b"), frame("C", "SELECT 2\0"), frame("Z", "I")]),
    Buffer.alloc(0),
  ],
  [[expected("local", { bytes: own, ready: true })], Buffer.alloc(0), Buffer.concat([own, frame("Z", "T")])],
  [
    [expected("parse"), expected("bind"), expected("describe"), expected("execute"), expected("sync")],
    Buffer.concat([
      frame("1"),
      frame("2"),
      frame("n"),
      row("c"),
      frame("N", "SNOTICE\0\0"),
      frame("C", "SELECT 1\0"),
      frame("Z", "I"),
    ]),
    Buffer.alloc(0),
  ],
  [
    [expected("parse", { bytes: own }), expected("bind"), expected("sync")],
    Buffer.concat([frame("E", "SERROR\0C42601\0\0"), frame("Z", "I")]),
    Buffer.concat([own, frame("Z", "I")]),
  ],
  [
    [expected("execute", { silent: true, rows: [] }), expected("sync", { silent: true })],
    Buffer.concat([row("x"), frame("C", "SELECT 1\0"), frame("Z", "I")]),
    Buffer.from(""),
  ],
  [
    [expected("query")],
    Buffer.concat([frame("S", "TimeZone\0UTC\0"), frame("A", "1234x\0y\0"), frame("I"), frame("Z", "T")]),
    Buffer.alloc(0),
  ],
];
const isOurs = (index: number) => [1, 3, 4].includes(index);
const said = Buffer.concat(conversation.map(([, bytes]) => bytes));
const wanted = Buffer.concat(conversation.map(([, bytes, toClient], index) => (isOurs(index) ? toClient : bytes))).toString(
  "latin1",
);

beforeAll(loadParser);

describe("pg-frames: the server's answers", () => {
  it("are passed on as they came, with ours in their turn, wherever the stream is cut", () => {
    const due = conversation.flatMap(([entries]) => entries);
    const whole = heard(due, [said]);
    expect(whole.client).toBe(wanted);
    expect(whole.due).toBe(0);
    for (let cut = 0; cut <= said.length; cut++) {
      const next = Math.min(cut + 3, said.length);
      const split = heard(due, [said.subarray(0, cut), said.subarray(cut, next), said.subarray(next)]);
      expect(split, `cut at ${cut}`).toEqual(whole);
    }
    expect(
      heard(
        due,
        [...said].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual(whole);
  });

  it("pg-deny: an error takes everything up to the next Sync with it, also answers of ours", () => {
    const due = [expected("parse"), expected("bind"), expected("local", { bytes: own }), expected("sync"), expected("query")];
    const { events, client, due: left } = heard(due, [frame("E", "SERROR\0C42601\0\0")]);
    expect(events).toEqual(["failed parse", "skipped bind", "skipped local"]);
    expect(client).not.toContain("42501");
    expect(left).toBe(2);
    expect(heard([expected("parse"), expected("bind")], [frame("E", "SERROR\0C42601\0\0")]).events.at(-1)).toBe("lost");
  });

  it("pg-limits: rows above the limit are not passed on, wherever the stream is cut", () => {
    const stream = Buffer.concat([
      frame("T"),
      ...["1", "2", "3", "4"].map(row),
      frame("E", "SERROR\0C57014\0\0"),
      frame("Z", "I"),
    ]);
    const limited = () =>
      expected("query", { running: new Running({ end: () => {} }, { limits: { rows: 2 }, readOnly: true, startedMs: 0 }) });
    const cut = Buffer.concat([frame("T"), row("1"), row("2"), frame("E", "limit"), frame("Z", "I")]).toString("latin1");
    for (let at = 0; at <= stream.length; at++)
      expect(heard([limited()], [stream.subarray(0, at), stream.subarray(at)]).client, `cut at ${at}`).toBe(cut);
  });

  it("pg-masks: masked values are replaced, wherever the stream is cut, and so are words that may quote them", () => {
    const columns = describing([7, 1, 23], [7, 2, 25], [0, 0, 1700]);
    const stream = Buffer.concat([
      ...[columns, cells("1", "secret", "2"), cells("2", null, null), frame("N", "SNOTICE\0VNOTICE\0C00000\0Msecret\0\0")],
      ...[
        frame("C", "SELECT 2\0"),
        columns,
        cells("3", "", "secret"),
        frame("E", "SERROR\0VERROR\0C22P02\0Msecret\0\0"),
        frame("Z", "I"),
      ],
    ]);
    const whole = heard([masked()], [stream]);
    expect(whole.client).not.toContain("secret");
    expect(whole.client).toContain(Buffer.concat([columns, cells("1", "****", null), cells("2", null, null)]).toString("latin1"));
    expect(whole.client).toContain("C22P02");
    expect(whole.due).toBe(0);
    for (let at = 0; at <= stream.length; at++)
      expect(heard([masked()], [stream.subarray(0, at), stream.subarray(at)]), `cut at ${at}`).toEqual(whole);
    expect(
      heard(
        [masked()],
        [...stream].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual(whole);
  });

  it.each([
    ["rows that were not described", cells("secret")],
    ["rows of another shape", Buffer.concat([describing([7, 2, 25]), cells("1", "secret")])],
    ["rows after the end of their result", Buffer.concat([describing([7, 1, 23]), frame("C", "SELECT 0\0"), cells("secret")])],
    ["copied data", Buffer.concat([frame("H", "\0\0\0"), frame("d", "secret")])],
    ["a malformed description", frame("T", "\0\x02email\0\0\0\0\x07")],
  ])("pg-masks: of what is masked nothing passes that cannot be masked: %s", (_, bytes) => {
    expect(() => heard([masked()], [bytes])).toThrow(ProtocolViolation);
  });

  it("pg-masks: a row that is too large to be masked ends its statement", () => {
    const header = frame("D");
    header.writeUInt32BE(largestMaskedRow + 5, 1);
    const { client, events } = heard([masked()], [describing([7, 2, 25]), header, Buffer.from("secret")]);
    expect(events).toEqual(["limit query"]);
    expect(client).not.toContain("secret");
  });

  it("pg-masks: why a portal cannot be described for its masks is the client's error", () => {
    const entry = masked();
    const due = [
      expected("describe", { silent: true, running: entry.running }),
      { ...entry, kind: "execute" } as const,
      expected("sync"),
    ];
    const { client, events } = heard(due, [frame("E", "SERROR\0VERROR\0C34000\0Mportal\0\0"), frame("Z", "I")]);
    expect(events).toEqual(["failed describe", "skipped execute", "ready I", "answered sync"]);
    expect(client).toContain("C34000");
    expect(heard(due, [describing([7, 2, 25]), cells("secret"), frame("C", "SELECT 1\0"), frame("Z", "I")]).client).toBe(
      Buffer.concat([cells("****"), frame("C", "SELECT 1\0"), frame("Z", "I")]).toString("latin1"),
    );
  });

  it.each([
    ["nothing is due", [], frame("Z", "I")],
    ["an answer to something else", [expected("bind")], frame("1")],
    ["rows for a Parse", [expected("parse")], row("x")],
    ["a copy in both directions", [expected("query")], frame("W", "\0\0\0")],
    ["an authentication request", [expected("query")], frame("R", "\0\0\0\0")],
    ["an impossible length", [expected("query")], Buffer.from("T\0\0\0\x01")],
    ["a message that no answer is as large as", [expected("query")], Buffer.from("N\x7f\xff\xff\xff", "latin1")],
  ])("end the session when they are none: %s", (_, due, bytes) => {
    expect(() => heard(due, [bytes])).toThrow(ProtocolViolation);
    expect(() =>
      heard(
        due,
        [...bytes].map((byte) => Buffer.of(byte)),
      ),
    ).toThrow(ProtocolViolation);
  });
});
