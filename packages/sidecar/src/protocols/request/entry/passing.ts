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
import { writePart } from "./writing.ts";

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
  const attempt = dispatch({ signal: work.signal, readOnly });
  const end = (outcome: Outcome, how: PassageEnd) => {
    passage.end(how);
    conclude(outcome, work, { passage, response, form, rules: decision.rules });
  };
  try {
    try {
      await Promise.all([noted(passage, journal), attempt.prepare()]);
    } catch (error) {
      const outcome = notDispatched(error, work.signal);
      end(outcome, { ...endOf(outcome), state: "unsent" });
      return true;
    }
    // Asked in the very turn in which the first byte is sent.
    if (!gate.native.stillPasses(verdict)) {
      passage.end({ state: "unsent", rows: 0, bytes: 0, durationMs: 0 });
      return false;
    }
    const outcome = await attempt.run((chunk) => give(chunk, passage, response)).catch(inDoubt);
    end(outcome, endOf(outcome));
    return true;
  } finally {
    response.off("close", leave);
    await attempt.close();
  }
}

/** Resolves when what was noted is where it survives. */
function noted({ ready }: Passage, journal: Passing["journal"]): Promise<void> {
  return ready ?? new Promise((flushed, refused) => journal.afterFlush({ flushed, refused }));
}

function give(chunk: ResultChunk, { request }: Passage, response: ServerResponse): void | Promise<void> {
  if (chunk.type === "body") {
    goesBy(chunk.data.length);
    return writePart(response, chunk.data);
  }
  if (chunk.type !== "response") throw new TypeError(`${chunk.type} is no part of an answer`);
  response.writeHead(chunk.status, [...chunk.headers.flat(), "countersign-request", request]);
  // Together with what comes at once; a stream whose first part takes long is not to keep its client waiting.
  setImmediate(() => response.headersSent && !response.writableEnded && response.flushHeaders());
}

function conclude(
  { state, failure }: Outcome,
  { cutBy }: RequestAtWork,
  { passage, response, form, rules }: Pick<Passing, "response" | "form"> & { passage: Passage; rules: readonly string[] },
): void {
  if (state === "succeeded") {
    response.end();
    return;
  }
  const { code = "internal", message = "It was not sent." } = failure ?? {};
  const requestId = passage.request;
  const told: Refusal = cutBy === undefined ? { code, message } : { code: "revoked", message: cutBy };
  refuse(response, { ...told, requestId, rules }, form);
}

function endOf({ state, failure, status, rows, bytes, durationMs }: Outcome): PassageEnd {
  const said = status === undefined ? {} : { commandTag: String(status) };
  if (state === "succeeded") return { state, rows, bytes, durationMs, ...said };
  return { state: state === "unknown" ? state : "failed", rows, bytes, durationMs, targetCode: failure?.code, ...said };
}
