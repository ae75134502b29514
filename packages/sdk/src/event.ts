import { OutputStream, Verdict, type Event as WireEvent } from "@countersign/rpc";
import { type Decision, decisionFromWire } from "./decision.ts";
import type { CountersignError } from "./errors.ts";
import { type OutcomeState, outcomeError, outcomeState, type RequestStatus } from "./outcome.ts";
import { type Replacement, replacementFromWire } from "./replacement.ts";
import type { Column } from "./row-reader.ts";

interface Numbered {
  /** Counts up within the request. */
  readonly sequence: number;
  readonly requestId: string;
  /** By the sidecar's clock. */
  readonly time: Date;
}

/** Something that happened to a request. */
export type RequestProgress = Numbered &
  (
    | { readonly type: "decided"; readonly decision: Decision; readonly digest: string }
    /** A person has to approve, at `approvalUrl`, over `requestDigest`, until `expires`. */
    | { readonly type: "pending"; readonly approvalUrl: string; readonly requestDigest: string; readonly expires: Date }
    | { readonly type: "vote"; readonly approver: string; readonly verdict: "approve" | "deny"; readonly comment: string }
    /** More people were asked. */
    | { readonly type: "escalated"; readonly to: readonly string[] }
    /** With `grant`, no person was asked: a standing approval agreed. */
    | { readonly type: "approved"; readonly validUntil: Date; readonly grant?: string }
    | { readonly type: "executing" }
    /** Another request took its place; the events that follow are about that one, in the same order of numbers. */
    | ({ readonly type: "replaced" } & Replacement)
    /** The end; always the last event. */
    | { readonly type: "done"; readonly state: OutcomeState; readonly error?: CountersignError }
  );

/** A part of the result, as objects by column name. */
export interface RowsEvent extends Numbered {
  readonly type: "rows";
  readonly columns: readonly Column[];
  readonly rows: readonly Record<string, unknown>[];
}

/** A part of what a command, or a read of a file, gives; of an HTTP response its head, then parts of its body. */
export type OutputEvent = Numbered &
  (
    | { readonly type: "stdout" | "stderr" | "body"; readonly data: Buffer }
    | {
        readonly type: "response";
        readonly status: number;
        readonly headers: readonly (readonly [name: string, value: string])[];
      }
  );

/** What `RequestHandle.events` gives. */
export type RequestEvent = RequestProgress | RowsEvent | OutputEvent;

/** An event from the wire; `undefined` for result data and for kinds that only a newer sidecar knows. */
export function eventFromWire(wire: WireEvent): RequestProgress | undefined {
  const base = { sequence: wire.sequence, requestId: wire.requestId, time: new Date(wire.timeMs) };
  switch (wire.event?.$case) {
    case "decided": {
      const { decision, actionDigest } = wire.event.value;
      return { ...base, type: "decided", decision: decisionFromWire(decision), digest: actionDigest };
    }
    case "pending": {
      const { approvalUrl, requestDigest, expiresMs } = wire.event.value;
      return { ...base, type: "pending", approvalUrl, requestDigest, expires: new Date(expiresMs) };
    }
    case "vote": {
      const { approver, verdict, comment } = wire.event.value;
      return { ...base, type: "vote", approver, verdict: verdict === Verdict.APPROVE ? "approve" : "deny", comment };
    }
    case "escalated":
      return { ...base, type: "escalated", to: wire.event.value.to };
    case "approved": {
      const { validUntilMs, grant } = wire.event.value;
      return { ...base, type: "approved", validUntil: new Date(validUntilMs), ...(grant === "" ? {} : { grant }) };
    }
    case "executing":
      return { ...base, type: "executing" };
    case "replaced":
      return { ...base, type: "replaced", ...replacementFromWire(wire.event.value) };
    case "done": {
      const error = outcomeError(wire.event.value, wire.requestId);
      return { ...base, type: "done", state: outcomeState(wire.event.value), ...(error && { error }) };
    }
  }
}

/** Output from the wire; `undefined` for everything else. */
export function outputFromWire(wire: WireEvent): OutputEvent | undefined {
  const base = { sequence: wire.sequence, requestId: wire.requestId, time: new Date(wire.timeMs) };
  switch (wire.event?.$case) {
    case "output": {
      const { stream, data } = wire.event.value;
      return { ...base, type: stream === OutputStream.STDERR ? "stderr" : "stdout", data };
    }
    case "response": {
      const { status, headers } = wire.event.value;
      return { ...base, type: "response", status, headers: headers.map(({ name, value }) => [name, value] as const) };
    }
    case "body":
      return { ...base, type: "body", data: wire.event.value.data };
  }
}

/** Where a request stands after an event; `undefined` when the event does not tell. */
export function statusAfter(event: RequestEvent): RequestStatus | undefined {
  switch (event.type) {
    case "pending":
    case "approved":
    case "executing":
      return event.type;
    case "done":
      return event.state;
  }
}
