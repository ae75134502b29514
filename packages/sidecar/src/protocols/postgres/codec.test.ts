import { CommandCompleteMessage, ReadyForQueryMessage, RowDescriptionMessage } from "pg-protocol/dist/messages.js";
import { describe, expect, it } from "vitest";
import { decodeRows, FrameSplitter, fittingRows, isServerError, ProtocolViolation } from "./codec.ts";

function frame(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function rowBody(...values: (string | null)[]): Buffer {
  const parts = values.map((value) => {
    const bytes = Buffer.from(value ?? "");
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : bytes.length);
    return Buffer.concat([length, bytes]);
  });
  const count = Buffer.alloc(2);
  count.writeUInt16BE(values.length);
  return Buffer.concat([count, ...parts]);
}

const field = Buffer.concat([Buffer.from("n\0"), Buffer.from("000000010001000000190004ffffffff0000", "hex")]);
const rows = [rowBody("1", null), rowBody("", "längere Zeile ".repeat(10)), rowBody(), rowBody("x")];
const stream = Buffer.concat([
  frame("T", Buffer.concat([Buffer.of(0, 1), field])),
  ...rows.map((body) => frame("D", body)),
  frame("C", Buffer.from("SELECT 4\0")),
  frame("E", Buffer.from("SERROR\0C42601\0Mno\0\0")),
  frame("D", rowBody("after")),
  frame("Z", Buffer.from("I")),
]);

/** What a splitter tells of chunks, with neighbouring rows joined. */
function split(chunks: Buffer[], caps = { row: 1000, other: 1000 }): unknown[] {
  const seen: unknown[] = [];
  const splitter = new FrameSplitter(caps, {
    rows: (data, count) => seen.push(...decodeRows(data, count)),
    oversized: (size) => seen.push({ oversized: size }),
    message: (message) => {
      if (message instanceof RowDescriptionMessage)
        seen.push(message.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })));
      else if (message instanceof CommandCompleteMessage) seen.push(message.text);
      else if (message instanceof ReadyForQueryMessage) seen.push(message.status);
      else if (isServerError(message)) seen.push(message.code);
      else seen.push(message.name);
    },
  });
  // The splitter owns its chunks and changes them.
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  return seen;
}

const expected = [
  [{ name: "n", dataTypeID: 25 }],
  ["1", null],
  ["", "längere Zeile ".repeat(10)],
  [],
  ["x"],
  "SELECT 4",
  "42601",
  ["after"],
  "I",
];

describe("FrameSplitter", () => {
  it("gives rows and messages in the order of the wire", () => {
    expect(split([stream])).toEqual(expected);
  });

  it("gives the same wherever the stream is cut, once or twice", () => {
    for (let first = 0; first <= stream.length; first++) {
      expect(split([stream.subarray(0, first), stream.subarray(first)]), `cut at ${first}`).toEqual(expected);
      const second = Math.min(first + 3, stream.length);
      expect(split([stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)])).toEqual(expected);
    }
  });

  it("gives the same byte by byte", () => {
    expect(split([...stream].map((byte) => Buffer.of(byte)))).toEqual(expected);
  });

  it("gives the rows of one chunk together", () => {
    const counts: number[] = [];
    const splitter = new FrameSplitter(
      { row: 1000, other: 1000 },
      { rows: (_, count) => counts.push(count), oversized: () => {}, message: () => {} },
    );
    splitter.push(Buffer.from(stream));
    expect(counts).toEqual([4, 1]);
  });

  it("stops at a row above the cap without keeping it, however it is cut", () => {
    const big = Buffer.concat([
      frame("D", rowBody("small")),
      frame("D", rowBody("x".repeat(2000))),
      frame("Z", Buffer.from("I")),
    ]);
    for (let cut = 0; cut <= big.length; cut++) {
      expect(split([big.subarray(0, cut), big.subarray(cut)]), `cut at ${cut}`).toEqual([["small"], { oversized: 2006 }]);
    }
  });

  it("can be told a lower cap for rows, not a higher one", () => {
    const sizes: number[] = [];
    const splitter = new FrameSplitter(
      { row: 100, other: 100 },
      { rows: () => {}, oversized: (size) => sizes.push(size), message: () => {} },
    );
    splitter.capRows(1000);
    splitter.push(frame("D", rowBody("x".repeat(50))));
    splitter.capRows(10);
    splitter.push(frame("D", rowBody("x".repeat(50))));
    expect(sizes).toEqual([56]);
  });

  it.each([
    ["an unknown type", Buffer.from("X\0\0\0\x04")],
    ["an impossible length", Buffer.from("C\0\0\0\x03")],
    ["another message above the cap", frame("C", Buffer.alloc(2000))],
    ["an announced message above the cap", Buffer.from("N\x7f\xff\xff\xff", "latin1")],
    ["an error without its end", frame("E", Buffer.from("Mabc\0"))],
    ["an error that is cut off", frame("E", Buffer.from("Mabc"))],
    ["an error with something after its end", frame("E", Buffer.from("Mabc\0\0x\0"))],
    ["a row description that promises more columns than it has", frame("T", Buffer.of(0x7f, 0xff))],
  ])("refuses %s", (_, bytes) => {
    expect(() => split([bytes])).toThrow(ProtocolViolation);
    expect(() => split([...bytes].map((byte) => Buffer.of(byte)))).toThrow(ProtocolViolation);
  });
});

describe("fittingRows", () => {
  const data = Buffer.concat([rowBody("a"), rowBody("bb", null), rowBody("c")]);
  const ends = [7, 7 + 12, 7 + 12 + 7];

  it("takes everything within the bounds", () => {
    expect(fittingRows(data, 3, 3, ends[2] ?? 0)).toEqual({ rows: 3, bytes: ends[2] });
  });

  it("cuts at exactly the number of rows", () => {
    expect(fittingRows(data, 3, 2, 1000)).toEqual({ rows: 2, bytes: ends[1] });
    expect(fittingRows(data, 3, 0, 1000)).toEqual({ rows: 0, bytes: 0 });
  });

  it("takes no row that passes the number of bytes", () => {
    expect(fittingRows(data, 3, 10, 19)).toEqual({ rows: 2, bytes: 19 });
    expect(fittingRows(data, 3, 10, 18)).toEqual({ rows: 1, bytes: 7 });
    expect(fittingRows(data, 3, 10, 6)).toEqual({ rows: 0, bytes: 0 });
  });

  it("refuses a row whose lengths lead out of the data", () => {
    const lying = Buffer.from(rowBody("a"));
    lying.writeInt32BE(100, 2);
    expect(() => fittingRows(lying, 1, 1, 6)).toThrow(ProtocolViolation);
  });
});
