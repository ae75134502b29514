import type { Failure, Limits } from "@countersign/policy";
import { describe, expect, it } from "vitest";
import type { ResultChunk, ResultSink } from "../connector.ts";
import { RowStream } from "./rows.ts";

/** One row of one column with `size` bytes. */
function row(size: number): Buffer {
  const body = Buffer.alloc(6 + size, 0x61);
  body.writeUInt16BE(1);
  body.writeInt32BE(size, 2);
  return body;
}

function setUp(sink: ResultSink, limits: Limits = {}) {
  const flow: string[] = [];
  const failures: Failure[] = [];
  const source = { pause: () => flow.push("pause"), resume: () => flow.push("resume") };
  return { flow, failures, stream: new RowStream(sink, limits, source, (failure) => failures.push(failure)) };
}

describe("RowStream", () => {
  it("gathers small pieces into one chunk", async () => {
    const chunks: ResultChunk[] = [];
    const { stream } = setUp((chunk) => void chunks.push(chunk));
    for (let i = 0; i < 5; i++) stream.rows(row(10), 1);
    await stream.finish();
    expect(chunks).toEqual([{ type: "rows", count: 5, data: Buffer.concat(Array(5).fill(row(10))) }]);
  });

  it("does not keep the first rows waiting for more", async () => {
    const first = Promise.withResolvers<ResultChunk>();
    const { stream } = setUp((chunk) => first.resolve(chunk));
    stream.rows(row(1), 1);
    expect(await first.promise).toMatchObject({ count: 1 });
  });

  it("holds the source while the sink is busy, and keeps the order", async () => {
    const taken: number[] = [];
    let release = () => {};
    const sink = (chunk: ResultChunk) => {
      if (chunk.type === "rows") taken.push(chunk.count);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const { stream, flow } = setUp(sink);
    stream.rows(row(70_000), 1);
    expect(taken).toEqual([1]);
    stream.rows(row(70_000), 1);
    stream.rows(row(5), 1);
    expect(flow).toContain("pause");
    expect(taken).toEqual([1]);
    release();
    await Promise.resolve();
    await Promise.resolve();
    expect(taken).toEqual([1, 2]);
    const finished = stream.finish();
    release();
    await finished;
    expect(flow.at(-1)).toBe("resume");
  });

  it("gives exactly as many rows as the limit, and says which limit it was", async () => {
    let given = 0;
    const { stream, failures } = setUp(
      (chunk) => {
        given += chunk.type === "rows" ? chunk.count : 0;
      },
      { rows: 3 },
    );
    stream.rows(Buffer.concat([row(1), row(1)]), 2);
    stream.rows(Buffer.concat([row(1), row(1)]), 2);
    stream.rows(row(1), 1);
    await stream.finish();
    expect(given).toBe(3);
    expect(failures).toEqual([expect.objectContaining({ code: "limit_exceeded", message: expect.stringContaining("3 rows") })]);
  });

  it("is not cut by a result that just meets the limits", async () => {
    const { stream, failures } = setUp(() => {}, { rows: 2, bytes: 14 });
    stream.rows(Buffer.concat([row(1), row(1)]), 2);
    await stream.finish();
    expect({ cut: stream.cut, rows: stream.rowsGiven, bytes: stream.bytesGiven, failures }).toEqual({
      cut: false,
      rows: 2,
      bytes: 14,
      failures: [],
    });
  });

  it("gives no row that passes the limit of bytes", async () => {
    const { stream, failures } = setUp(() => {}, { bytes: 20 });
    stream.rows(Buffer.concat([row(1), row(1), row(1)]), 3);
    await stream.finish();
    expect(stream.bytesGiven).toBe(14);
    expect(failures[0]?.message).toContain("20 bytes");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("gone");
      },
    ],
    ["rejects", () => Promise.reject(new Error("gone"))],
  ])("ends when the sink %s", async (_, sink) => {
    const { stream, failures } = setUp(sink);
    stream.rows(row(1), 1);
    await expect(stream.finish()).rejects.toThrow("gone");
    stream.rows(row(1), 1);
    expect(failures).toEqual([expect.objectContaining({ code: "cancelled" })]);
    expect(stream.cut).toBe(true);
  });
});
