import type { Event } from "@countersign/rpc";
import { dataBytes } from "./chunk-forms.ts";
import type { EventBody } from "./wire.ts";

/** Somebody who hears what happens to a request: one gRPC call. */
export interface Viewer {
  /** Sends events together; a promise means: wait before sending more. Does nothing once the viewer has gone. */
  send(events: Event[]): void | Promise<void>;
  /** Aborted when the viewer goes away. */
  readonly signal: AbortSignal;
}

/** Result data that is sent at once when this much has gathered, bytes. */
const flushBytes = 32 * 1024;
/** How long a small part of a result may wait for more, milliseconds. */
const lingerMs = 5;

/**
 * Numbers and gathers one request's events for one viewer. Small events travel in one message: a short result costs one frame, not five.
 */
export class EventWriter {
  readonly viewer: Viewer;
  readonly #requestId: string;
  readonly #now: () => number;
  /** Added to every number: the events of requests that took each other's place are numbered on. */
  readonly #offset: number;
  #buffer: Event[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(viewer: Viewer, requestId: string, now: () => number, offset = 0) {
    this.viewer = viewer;
    this.#requestId = requestId;
    this.#now = now;
    this.#offset = offset;
  }

  /** Adds an event that may wait a few milliseconds for others. */
  add(sequence: number, body: EventBody, timeMs: number = this.#now()): void | Promise<void> {
    this.#buffer.push({ sequence: this.#offset + sequence, requestId: this.#requestId, timeMs, event: body });
    this.#bytes += dataBytes(body);
    if (this.#bytes >= flushBytes) return this.flush();
    this.#timer ??= setTimeout(() => void this.flush(), lingerMs);
  }

  /** Adds an event and sends all that has gathered. */
  async say(sequence: number, body: EventBody, timeMs?: number): Promise<void> {
    await this.add(sequence, body, timeMs);
    await this.flush();
  }

  /** Sends all that has gathered. */
  flush(): void | Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#buffer.length === 0) return;
    const events = this.#buffer;
    this.#buffer = [];
    this.#bytes = 0;
    return this.viewer.send(events);
  }
}
