import type { ServerResponse } from "node:http";
import type { Outcome } from "@countersign/policy";
import { inDoubt, notDispatched } from "../../../dispatch.ts";
import type { Journal } from "../../../native/journal.ts";
import type { Passage, PassageEnd } from "../../../native/passage.ts";
import type { Pass } from "../../../native/verdict.ts";
import { goesBy } from "../../../spent-buffers.ts";
import type { Dispatch, DispatchOptions, ResultChunk } from "../../connector.ts";
import type { OpenGate, RequestAtWork } from "./connection-gates.ts";
import { type Refusal, type RefusalForm, refuse } from "./refusal.ts";
import { Writing } from "./writing.ts";

/** One allowed request with its client. */
export interface Passing {
  readonly gate: OpenGate;
  readonly journal: Pick<Journal, "afterFlush">;
  readonly response: ServerResponse;
  readonly form: RefusalForm;
  /** Begins its dispatch. */
  readonly dispatch: (options: DispatchOptions) => Dispatch;
}

/**
 * Sends what policy lets through, once it is noted, and gives the answer on as it comes. False when policy or a lock has changed before it was
 * sent: it is decided anew. Never throws: what went wrong is noted, and the client is told.
 */
export async function pass(verdict: Pass, { gate, journal, response, form, dispatch }: Passing): Promise<boolean> {
  const { passage, readOnly, decision } = verdict;
  using work = gate.begin();
  const leave = () => work.leave();
  response.once("close", leave);
  if (response.destroyed) leave();
  const mayRun = () => gate.native.stillPasses(verdict);
  const end = (outcome: Outcome, how: PassageEnd) => {
    passage.end(how);
    conclude(outcome, work, { writing, response, form, requestId: passage.request, rules: decision.rules, mayRun });
  };
  const writing = new Writing(response);
  let attempt: Dispatch | undefined;
  try {
    try {
      attempt = dispatch({ signal: work.signal, readOnly });
      await Promise.all([noted(passage, journal), attempt.prepare()]);
      work.signal.throwIfAborted();
    } catch (error) {
      const outcome = notDispatched(error, work.signal);
      end(outcome, { ...endOf(outcome), state: "unsent" });
      return true;
    }
    // Asked in the very turn in which the first byte is sent.
    if (!mayRun()) {
      passage.end({ state: "unsent", rows: 0, bytes: 0, durationMs: 0 });
      return false;
    }
    const outcome = await attempt.run((chunk) => give(chunk, passage, writing)).catch(inDoubt);
    end(outcome, endOf(outcome));
    return true;
  } finally {
    response.off("close", leave);
    await attempt?.close();
  }
}

/** Resolves when what was noted is where it survives. */
function noted({ ready }: Passage, journal: Passing["journal"]): Promise<void> {
  return ready ?? new Promise((flushed, refused) => journal.afterFlush({ flushed, refused }));
}

function give(chunk: ResultChunk, { request }: Passage, writing: Writing): void | Promise<void> {
  if (chunk.type === "body") {
    goesBy(chunk.data.length);
    return writing.part(chunk.data);
  }
  if (chunk.type !== "response") throw new TypeError(`${chunk.type} is no part of an answer`);
  writing.head(chunk.status, [...chunk.headers.flat(), "countersign-request", request]);
}

function conclude(
  { state, failure }: Outcome,
  { cutBy }: RequestAtWork,
  client: Pick<Passing, "response" | "form"> &
    Pick<Refusal, "requestId" | "rules"> & { readonly writing: Writing; readonly mayRun: () => boolean },
): void {
  const { writing, response, form, requestId, rules, mayRun } = client;
  if (state === "succeeded") {
    writing.end();
    return;
  }
  const { code = "internal", message = "It was not sent." } = failure ?? {};
  // Nobody took it back where policy and locks are as they were: the sidecar stops.
  const why = mayRun() ? "shutting_down" : "revoked";
  const told = cutBy === undefined ? { code, message } : ({ code: why, message: cutBy } as const);
  refuse(response, { ...told, ...(requestId !== undefined && { requestId }), ...(rules && { rules }) }, form);
}

function endOf({ state, failure, status, rows, bytes, durationMs }: Outcome): PassageEnd {
  const said = status === undefined ? {} : { commandTag: String(status) };
  if (state === "succeeded") return { state, rows, bytes, durationMs, ...said };
  return { state: state === "unknown" ? state : "failed", rows, bytes, durationMs, targetCode: failure?.code, ...said };
}
