import { describe, expect, it } from "vitest";
import { readBind, readExecute, readNamed, readParse, readQuery } from "./client-message.ts";
import { ClientFrames } from "./frontend.ts";
import { WireError } from "./wire-error.ts";

function frame(type: string, ...parts: (string | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** What the splitter tells of chunks, with the parts of a CopyData joined. */
function split(chunks: readonly Buffer[], caps = { statement: 100, bind: 100 }): string[] {
  const seen: string[] = [];
  let copied = "";
  const frames = new ClientFrames(caps, {
    frame: (type, bytes) => seen.push(`${String.fromCharCode(type)} ${bytes.toString("hex")}`),
    copyData: (part, left) => {
      copied += part.toString("hex");
      if (left === 0) seen.push(`d ${copied}`);
      if (left === 0) copied = "";
    },
    oversized: (type, size) => seen.push(`${String.fromCharCode(type)} of ${size}`),
  });
  for (const chunk of chunks) frames.push(chunk);
  return seen;
}

const messages = [
  frame("Q", "select 1\0"),
  frame("P", "s\0select $1\0", [0, 1, 0, 0, 0, 23]),
  frame("B", "\0s\0", [0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0]),
  frame("d", "x".repeat(300)),
  frame("Q", "y".repeat(200)),
  frame("d"),
  frame("E", "\0", [0, 0, 0, 0]),
  frame("S"),
  frame("c"),
  frame("X"),
];
const stream = Buffer.concat(messages);
const expected = messages.map((message, index) =>
  index === 4 ? `Q of ${message.length}` : `${String.fromCharCode(message[0] ?? 0)} ${message.toString("hex")}`,
);

describe("pg-frames: the splitter of a client's messages", () => {
  it("gives the same wherever the stream is cut, once, twice, and byte by byte", () => {
    expect(split([stream])).toEqual(expected);
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(split([stream.subarray(0, cut), stream.subarray(cut)]), `cut at ${cut}`).toEqual(expected);
      const next = Math.min(cut + 3, stream.length);
      expect(split([stream.subarray(0, cut), stream.subarray(cut, next), stream.subarray(next)])).toEqual(expected);
    }
    expect(split([...stream].map((byte) => Buffer.of(byte)))).toEqual(expected);
  });

  it("keeps nothing of what is above its cap, and finds the next message after it", () => {
    expect(split([frame("Q", "z".repeat(100_000)), frame("S")])).toEqual(["Q of 100005", "S 5300000004"]);
  });

  it.each([
    ["an unknown type", "z\0\0\0\x04"],
    ["a message of the server's", "Z\0\0\0\x05I"],
    ["a start-up packet", "\0\0\0\x08\x04\xd2\x16\x2f"],
    ["a length below its own four bytes", "Q\0\0\0\x03"],
    ["a length of more than a gigabyte", "d\x7f\xff\xff\xff"],
    ["a Sync with a body", "S\0\0\0\x05x"],
  ])("ends the connection at %s, wherever it is cut", (_, text) => {
    const bytes = Buffer.from(text, "latin1");
    const fatal = expect.objectContaining({ sqlstate: "08P01", fatal: true });
    expect(() => split([bytes])).toThrow(fatal);
    expect(() => split([...bytes].map((byte) => Buffer.of(byte)))).toThrow(fatal);
  });
});

describe("pg-frames: the bodies of a client's messages", () => {
  it("reads them", () => {
    expect(readQuery(frame("Q", "sélect\0"))).toBe("sélect");
    expect(readParse(messages[1] ?? stream)).toEqual({ name: "s", statement: "select $1", types: [23] });
    const bind = readBind(frame("B", "p\0s\0", [0, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 65, 255, 255, 255, 255, 0, 1, 0, 1]));
    expect(bind).toMatchObject({ portal: "p", statement: "s", parameters: [{ text: "A" }, null] });
    expect(bind.resultFormats.toString("hex")).toBe("00010001");
    expect(readBind(messages[2] ?? stream).parameters).toEqual([{ binary: "AAAABw" }]);
    expect(readNamed(frame("D", "Pp\0"), "DESCRIBE")).toEqual({ what: "P", name: "p" });
    expect(readExecute(frame("E", "p\0", [0, 0, 0, 9]))).toEqual({ portal: "p", rows: 9 });
    expect(readExecute(frame("E", "p\0", [255, 255, 255, 255])).rows).toBe(0);
  });

  it.each([
    ["a NUL byte inside a query", () => readQuery(frame("Q", "select 1\0; drop table t\0")), "08P01"],
    ["a query without its end", () => readQuery(frame("Q", "select 1")), "08P01"],
    ["a query that is not UTF-8", () => readQuery(frame("Q", [0xff, 0x27, 0])), "22021"],
    ["a Parse with something after its end", () => readParse(frame("P", "\0select 1\0", [0, 0, 0])), "08P01"],
    ["a Parse that promises more types than it has", () => readParse(frame("P", "\0select 1\0", [0, 1, 0])), "08P01"],
    ["a Bind whose value leads out of it", () => readBind(frame("B", "\0\0", [0, 0, 0, 1, 0, 0, 0, 9, 65, 0, 0])), "08P01"],
    ["a Bind of an unknown format", () => readBind(frame("B", "\0\0", [0, 1, 0, 2, 0, 0, 0, 0])), "22023"],
    [
      "a Bind with other numbers of formats and values",
      () => readBind(frame("B", "\0\0", [0, 2, 0, 0, 0, 0, 0, 0, 0, 0])),
      "08P01",
    ],
    ["a Bind without result formats", () => readBind(frame("B", "\0\0", [0, 0, 0, 0])), "08P01"],
    ["a Bind with something after its end", () => readBind(frame("B", "\0\0", [0, 0, 0, 0, 0, 0, 1])), "08P01"],
    ["a Describe of something else", () => readNamed(frame("D", "X\0"), "DESCRIBE"), "08P01"],
    ["an Execute that is cut off", () => readExecute(frame("E", "\0", [0, 0])), "08P01"],
    ["a value that is not UTF-8", () => readBind(frame("B", "\0\0", [0, 0, 0, 1, 0, 0, 0, 1, 0xc3, 0, 0])), "22021"],
  ])("refuses %s", (_, read, sqlstate) => {
    expect(read).toThrow(WireError);
    expect(read).toThrow(expect.objectContaining({ sqlstate, fatal: false }));
  });

  it("pg-bind: refuses names that the server does not tell apart", () => {
    const long = "n".repeat(63);
    expect(readParse(frame("P", `${long}\0select 1\0`, [0, 0])).name).toBe(long);
    expect(() => readParse(frame("P", `${long}1\0select 1\0`, [0, 0]))).toThrow(expect.objectContaining({ sqlstate: "42622" }));
    expect(() => readBind(frame("B", `\0${long}2\0`, [0, 0, 0, 0, 0, 0]))).toThrow(
      expect.objectContaining({ sqlstate: "42622" }),
    );
  });
});
