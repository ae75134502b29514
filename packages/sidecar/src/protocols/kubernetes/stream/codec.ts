import type { StreamVersion } from "./subprotocol.ts";

/** The streams of one session, by what is in them. */
type StreamChannel = "stdin" | "stdout" | "stderr" | "error" | "resize";

/** One binary WebSocket message of remotecommand. */
export type StreamMessage =
  /** Bytes of a stream; the first message of a session may have none. */
  | { readonly type: "data"; readonly channel: StreamChannel; readonly data: Buffer }
  /** A stream has ended (v5). */
  | { readonly type: "close"; readonly channel: StreamChannel };

/** Who sends a message: each may use some of the streams only. */
export type StreamSide = "client" | "target";

/** The first byte of a message (k8s.io/apimachinery/pkg/util/remotecommand/constants.go). */
const numbers: Readonly<Record<StreamChannel, number>> = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };
const channels = new Map(Object.entries(numbers).map(([name, number]) => [number, name as StreamChannel]));
/** Says that a stream has ended; the stream's own number follows, and nothing else. */
const closeNumber = 255;

const sides: Readonly<Record<StreamSide, ReadonlySet<StreamChannel>>> = {
  client: new Set(["stdin", "resize"]),
  target: new Set(["stdout", "stderr", "error"]),
};

/** A message above this is not taken. API servers and kubectl send 32 KiB. */
export const mostMessageBytes = 1024 * 1024;
/** A Status, or the size of a terminal. */
const mostControlBytes = 64 * 1024;

/** Bytes that are no message of the session: whoever sent them is not followed any further. */
export class StreamError extends Error {
  override readonly name = "StreamError";
}

/**
 * Reads one message. The data shares the memory of `bytes`.
 *
 * @throws {StreamError} for what the version does not have, what the side may not send, and what is larger than a session needs.
 */
export function decodeMessage(bytes: Buffer, side: StreamSide, version: StreamVersion): StreamMessage {
  if (bytes.length > mostMessageBytes) throw new StreamError(`a message of ${bytes.length} bytes`);
  const [number] = bytes;
  if (number === undefined) throw new StreamError("a message without a stream");
  if (number === closeNumber && version === "v5.channel.k8s.io") {
    if (bytes.length !== 2) throw new StreamError("the end of no stream, or of several");
    return { type: "close", channel: channelOf(bytes[1], side) };
  }
  const channel = channelOf(number, side);
  const isControl = channel === "error" || channel === "resize";
  if (isControl && bytes.length > mostControlBytes) throw new StreamError(`${bytes.length} bytes on the stream ${channel}`);
  return { type: "data", channel, data: bytes.subarray(1) };
}

/** Writes one message. */
export function encodeMessage(message: StreamMessage): Buffer {
  const number = numbers[message.channel];
  if (message.type === "close") return Buffer.of(closeNumber, number);
  const bytes = Buffer.allocUnsafe(message.data.length + 1);
  bytes[0] = number;
  bytes.set(message.data, 1);
  return bytes;
}

function channelOf(number: number | undefined, side: StreamSide): StreamChannel {
  const channel = number === undefined ? undefined : channels.get(number);
  if (channel === undefined) throw new StreamError(`the unknown stream ${number}`);
  if (!sides[side].has(channel)) throw new StreamError(`the ${side} sends on the stream ${channel}`);
  return channel;
}
