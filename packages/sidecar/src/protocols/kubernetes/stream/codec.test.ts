import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage, mostMessageBytes, StreamError, type StreamMessage, type StreamSide } from "./codec.ts";
import { versions } from "./subprotocol.ts";

const [v5, v4] = versions;
const sides: readonly StreamSide[] = ["client", "target"];
const channelsOf = { client: ["stdin", "resize"], target: ["stdout", "stderr", "error"] } as const;

test("what is written is read, whole", () => {
  const message = fc.constantFrom(...sides).chain((side) =>
    fc.record({
      side: fc.constant(side),
      channel: fc.constantFrom(...channelsOf[side]),
      data: fc.uint8Array({ maxLength: 2000 }),
    }),
  );
  fc.assert(
    fc.property(message, fc.constantFrom(...versions), ({ side, channel, data }, version) => {
      const sent: StreamMessage = { type: "data", channel, data: Buffer.from(data) };
      expect(decodeMessage(encodeMessage(sent), side, version)).toEqual(sent);
    }),
    { numRuns: 200 },
  );
});

test("any bytes are a message of that side or are refused, and a message has one form", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 3 }).map((rest) => Uint8Array.of(255, ...rest)),
      ),
      fc.constantFrom(...sides),
      fc.constantFrom(...versions),
      (bytes, side, version) => {
        let message: StreamMessage;
        try {
          message = decodeMessage(Buffer.from(bytes), side, version);
        } catch (error) {
          expect(error).toBeInstanceOf(StreamError);
          return;
        }
        expect(channelsOf[side]).toContain(message.channel);
        expect(encodeMessage(message)).toEqual(Buffer.from(bytes));
      },
    ),
    { numRuns: 2000 },
  );
});

describe("refused", () => {
  test.each<[string, Buffer, StreamSide, (typeof versions)[number]]>([
    ["nothing", Buffer.alloc(0), "client", v5],
    ["an unknown stream", Buffer.of(5, 1), "client", v5],
    ["output from the client", Buffer.of(1, 65), "client", v5],
    ["a Status from the client", Buffer.from('\x03{"status":"Success"}'), "client", v5],
    ["input from the target", Buffer.of(0, 65), "target", v5],
    ["the end of a stream in v4, which has no word for it", Buffer.of(255, 0), "client", v4],
    ["the end of two streams", Buffer.of(255, 0, 4), "client", v5],
    ["the end of none", Buffer.of(255), "client", v5],
    ["the end of the target's stream, by the client", Buffer.of(255, 1), "client", v5],
    ["a message that is too large", Buffer.alloc(mostMessageBytes + 1), "client", v5],
    ["a Status that is too large", Buffer.alloc(64 * 1024 + 1, 3), "target", v5],
    ["a size that is too large", Buffer.alloc(64 * 1024 + 1, 4), "client", v5],
  ])("%s", (_, bytes, side, version) => {
    expect(() => decodeMessage(bytes, side, version)).toThrow(StreamError);
  });
});
