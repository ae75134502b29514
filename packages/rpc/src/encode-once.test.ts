import { expect, test } from "vitest";
import { encodeOnce } from "./encode-once.ts";
import { Event, MultiplexResponse, OutputStream } from "./gen/countersign/v1/agent.ts";

function output(sequence: number, size: number): Event {
  const data = Buffer.alloc(size, sequence);
  return Event.fromPartial({
    ...{ sequence, requestId: "req_1", timeMs: 1_700_000_000_000 },
    event: { $case: "output", value: { stream: OutputStream.STDERR, data } },
  });
}

test.each([[[0]], [[1, 5000]], [[4095, 4096, 4097]], [[300_000, 10, 65_536]], [[127, 128, 16_383, 16_384]]])(
  "a message with bytes of these sizes is encoded as by the usual writer: %j",
  (sizes) => {
    const message: MultiplexResponse = {
      frames: sizes.map((size, index) => ({
        ...{ call: index + 1, failure: undefined, last: index === 1 },
        events: [output(index, size), output(index + 1, size)],
      })),
      lastCall: 7,
    };
    const encoded = encodeOnce(MultiplexResponse, message);
    expect(encoded.equals(MultiplexResponse.encode(message).finish())).toBe(true);
    expect(MultiplexResponse.decode(encoded)).toEqual(message);
  },
);
