import { describe, expect, it } from "vitest";
import { ProtocolViolation } from "../codec.ts";
import { type Expected, expected } from "./expected.ts";
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
