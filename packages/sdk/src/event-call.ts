import type { Event } from "@countersign/rpc";
import type { CallFailure } from "./errors.ts";

/** A call that streams events: one of its own, or one of many on a shared stream. */
export interface EventCall {
  /** Takes no more for now: the sidecar waits. What is on its way already is still heard. */
  pause(): void;
  /** Goes on after {@link pause}. */
  resume(): void;
  /** Goes away: nothing more is heard. */
  cancel(): void;
}

/** Who hears of a call. */
export interface EventSink {
  /** What arrived together, in order. Does not throw. */
  events(events: readonly Event[]): void;
  /** The last word. Without a failure the sidecar ended the call, which it also does when it stops. */
  ended(failure: CallFailure | undefined): void;
}
