import {
  AgentServiceService,
  type Event,
  ExecuteLineResponse,
  ExecuteResponse,
  encodeOnce,
  MultiplexResponse,
  WatchResponse,
} from "@countersign/rpc";
import { dataBytes } from "../chunk-forms.ts";

/** A message with less than this is written in one go, bytes. */
const largeData = 4096;

/** AgentService's methods; large parts of results are copied once on their way. */
export const agentMethods = {
  ...AgentServiceService,
  execute: {
    ...AgentServiceService.execute,
    responseSerialize: (value: ExecuteResponse): Buffer => encoded(ExecuteResponse, value, isLarge(value.events)),
  },
  executeLine: {
    ...AgentServiceService.executeLine,
    responseSerialize: (value: ExecuteLineResponse): Buffer => encoded(ExecuteLineResponse, value, isLarge(value.events)),
  },
  watch: {
    ...AgentServiceService.watch,
    responseSerialize: (value: WatchResponse): Buffer => encoded(WatchResponse, value, isLarge(value.events)),
  },
  multiplex: {
    ...AgentServiceService.multiplex,
    responseSerialize: (value: MultiplexResponse): Buffer =>
      encoded(
        MultiplexResponse,
        value,
        value.frames.some(({ events }) => isLarge(events)),
      ),
  },
} as const;

type Codec<Message> = Parameters<typeof encodeOnce<Message>>[0] & { encode(message: Message): { finish(): Uint8Array } };

function encoded<Message>(codec: Codec<Message>, message: Message, large: boolean): Buffer {
  if (large) return encodeOnce(codec, message);
  const { buffer, byteOffset, byteLength } = codec.encode(message).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

function isLarge(events: readonly Event[]): boolean {
  return events.some(({ event }) => dataBytes(event) >= largeData);
}
