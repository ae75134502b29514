import {
  canonicalJson,
  type Json,
  type Outcome,
  operationMessage,
  type RequestBook,
  type RequestSnapshot,
} from "@countersign/policy";
import type { EventBody } from "./wire.ts";

/** What a viewer has to be told of a request, and with which numbers. */
export interface Place {
  /** Events with a greater sequence; the decision has 0. */
  readonly after: number;
  /** Added to the request's own numbers. */
  readonly offset: number;
}

/** That another request took the place of one. */
export interface Succession {
  /** The request that did. */
  readonly requestId: string;
  /** The sequence of the event that says so, the old request's last. */
  readonly sequence: number;
}

/** Where a viewer begins who asks for what comes after a sequence; 0 gives all. */
export function firstPlace(afterSequence: number): Place {
  return { after: afterSequence === 0 ? -1 : afterSequence, offset: 0 };
}

/** Where a viewer goes on with the next request: its decision, which has 0, follows what told of it. */
export function placeAfter({ after, offset }: Place, { sequence }: Succession): Place {
  return { after: after - sequence - 1, offset: offset + sequence + 1 };
}

/** What the end of a request is when another took its place. `undefined` when none did. */
export async function replacedBody(
  old: RequestSnapshot,
  { replacedBy, failure }: Outcome,
  requests: RequestBook,
): Promise<EventBody | undefined> {
  if (replacedBy === undefined) return undefined;
  const [now] = await requests.list({ id: replacedBy });
  const [operation, before] = [now?.action.operation, old.action.operation];
  const changed = operation !== undefined && text(operation) !== text(before);
  return {
    $case: "replaced",
    value: {
      requestId: replacedBy,
      why: now?.replaces?.why ?? failure?.message ?? "",
      operation: changed ? operationMessage(operation) : undefined,
      before: changed ? operationMessage(before) : undefined,
      editedBy: now?.replaces?.editedBy ?? "",
    },
  };
}

function text(operation: RequestSnapshot["action"]["operation"]): string {
  const json: Json = JSON.parse(JSON.stringify(operation));
  return canonicalJson(json);
}
