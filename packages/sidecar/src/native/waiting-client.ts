import { operationText, readOperationMessage } from "@countersign/policy";
import type { Event } from "@countersign/rpc";
import { RequestState, Verdict } from "@countersign/rpc";
import type { Viewer } from "../event-writer.ts";

/** What a client whose operation is held may hear. */
export interface WaitingClient {
  pending(request: { readonly requestId: string; readonly approvalUrl: string; readonly expiresMs: number }): void;
  /** Somebody voted. */
  voted?(vote: { readonly approver: string; readonly approves: boolean; readonly comment: string }): void;
  /** It may run; what follows is its result. */
  approved?(): void;
  /** Another request took the place of the one that it asked for. `statement`: what it says now, where it was edited. */
  replaced?(by: { readonly requestId: string; readonly why: string; readonly statement: string | undefined }): void;
}

/** How a held operation ended. */
export interface Ended {
  readonly requestId: string;
  readonly state: "succeeded" | "failed" | "denied" | "expired" | "cancelled" | "revoked" | "unknown";
  /** Why, for anything but `succeeded`. */
  readonly failure?: { readonly code: string; readonly message: string; readonly retryable: boolean };
}

const states: Partial<Record<RequestState, Ended["state"]>> = {
  [RequestState.SUCCEEDED]: "succeeded",
  [RequestState.FAILED]: "failed",
  [RequestState.DENIED]: "denied",
  [RequestState.EXPIRED]: "expired",
  [RequestState.CANCELLED]: "cancelled",
  [RequestState.REVOKED]: "revoked",
};

/** Tells a waiting client what happens to its request, and keeps how it ended. */
export class WaitingViewer implements Viewer {
  readonly signal: AbortSignal;
  readonly #client: WaitingClient;
  #ended: Ended | undefined;

  constructor(client: WaitingClient, signal: AbortSignal) {
    this.#client = client;
    this.signal = signal;
  }

  /** Undefined while it has not, and when the client left before. */
  get ended(): Ended | undefined {
    return this.#ended;
  }

  send(events: Event[]): void {
    for (const event of events) this.#hear(event);
  }

  #hear({ requestId, event }: Event): void {
    switch (event?.$case) {
      case "pending": {
        const { approvalUrl, expiresMs } = event.value;
        this.#client.pending({ requestId, approvalUrl, expiresMs });
        return;
      }
      case "vote": {
        const { approver, verdict, comment } = event.value;
        this.#client.voted?.({ approver, approves: verdict === Verdict.APPROVE, comment });
        return;
      }
      case "approved":
        this.#client.approved?.();
        return;
      case "replaced": {
        const { requestId: next, why, operation } = event.value;
        const changed = readOperationMessage(operation);
        const statement = changed && operationText(changed);
        this.#client.replaced?.({ requestId: next, why, statement });
        return;
      }
      case "done": {
        const { state, error } = event.value;
        const failure = error && { code: error.code, message: error.message, retryable: error.retryable };
        this.#ended = { requestId, state: states[state] ?? "unknown", ...(failure && { failure }) };
      }
    }
  }
}
