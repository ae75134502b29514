import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestState, type SubmitResponse } from "@countersign/rpc";
import type { Asking, GuardedAction } from "./action.ts";
import { Backoff } from "./backoff.ts";
import { CountersignError } from "./errors.ts";
import { eventFromWire, statusAfter } from "./event.ts";
import { Following } from "./following.ts";
import { toSubmit } from "./operation.ts";
import { statusFromWire } from "./outcome.ts";
import type { CallSettings } from "./postgres.ts";
import { type Known, RequestHandle } from "./request.ts";

/** What goes with a submitted action. */
export interface SubmitOptions extends Asking {
  /** Stops the attempt; the request may have been opened. */
  signal?: AbortSignal | undefined;
}

/** Opens a durable request. Without a key of the caller's it gets one, so that a broken connection never opens a second request. */
export async function submit(action: GuardedAction, options: SubmitOptions, settings: CallSettings): Promise<RequestHandle> {
  const { connection, session, types, defaults } = settings;
  const asking = { reason: options.reason ?? defaults.reason ?? "", idempotencyKey: options.idempotencyKey ?? randomUUID() };
  const request = toSubmit(action, asking, session);
  const response = await deliver(() =>
    connection.unary<SubmitResponse>((client, metadata, done) => client.submit(request, metadata, done), options),
  );
  connection.decidedBy(response.decision?.policyDigest ?? "");
  const denied = response.state === RequestState.DENIED && response.requestId === "";
  const known: Known = {
    id: response.requestId,
    digest: response.actionDigest,
    approvalUrl: response.approvalUrl,
    status: statusFromWire(response.state),
    ...(denied && { refusal: response.decision?.message || "Policy denied it." }),
  };
  return new RequestHandle(known, connection, types);
}

/** Attaches to a request that was opened before, perhaps by a process that is gone. */
export async function attach(id: string, settings: CallSettings, signal?: AbortSignal): Promise<RequestHandle> {
  const { connection, types } = settings;
  const known: { -readonly [Key in keyof Known]: Known[Key] } = { id, digest: "", approvalUrl: "", status: "pending" };
  await new Promise<void>((resolve, reject) => {
    const following = new Following(
      connection,
      { type: "watch", requestId: id, afterSequence: 0 },
      {
        event(wire) {
          const event = eventFromWire(wire);
          if (event?.type === "decided") known.digest = event.digest;
          if (event?.type === "pending") known.approvalUrl = event.approvalUrl;
          known.status = (event && statusAfter(event)) ?? known.status;
          // What has happened so far comes in one message; this runs after all of it.
          queueMicrotask(leave);
        },
        failed: reject,
      },
    );
    const abort = () =>
      following.abandon(new CountersignError("aborted", "The caller's signal aborted.", { cause: signal?.reason }));
    const leave = () => {
      signal?.removeEventListener("abort", abort);
      following.stop();
      resolve();
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
  return new RequestHandle(known, connection, types);
}

/** Sends until it has arrived. Only for what has an idempotency key: with it, sending twice is sending once. */
export async function deliver<Response>(send: () => Promise<Response>): Promise<Response> {
  const backoff = new Backoff();
  for (let first = true; ; first = false) {
    try {
      return await send();
    } catch (error) {
      const pause = error instanceof CountersignError && mayDeliverAgain(error, first) ? backoff.next() : undefined;
      if (pause === undefined) throw error;
      await sleep(pause);
    }
  }
}

/** A sidecar that was not there at all is reported at once: somebody has to start it. */
function mayDeliverAgain({ code, retryable }: CountersignError, first: boolean): boolean {
  return code === "shutting_down" || (code === "sidecar_unreachable" && !(first && retryable));
}
