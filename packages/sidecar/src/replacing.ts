import {
  CountersignError,
  connectionOf,
  type ErrorCode,
  type Operation,
  type Outcome,
  type Predecessor,
  type RequestBook,
  type RequestDraft,
  type RequestSnapshot,
} from "@countersign/policy";
import { type Asking, callOf } from "./asking.ts";
import { isSameTerms } from "./permit.ts";
import type { OnStep } from "./step.ts";

/** What putting requests in the place of others takes. */
export interface ReplacingParts {
  readonly asking: Asking;
  readonly requests: RequestBook;
  readonly onStep: OnStep;
}

/** Who or what ends a request that policy decides differently. */
const by = "policy";

/** A defect of ours: what cannot be decided does not wait for somebody to approve it. */
const undecidable = { code: "internal", message: "It could not be decided anew." } as const;

/** Decides held requests anew: after an edit, and when policy has changed. Nothing of a request's caller changes, and no vote is taken over. */
export class Replacing {
  readonly #parts: ReplacingParts;

  constructor(parts: ReplacingParts) {
    this.#parts = parts;
  }

  /**
   * The request that a held one would become with another operation, for the same caller. Nothing is stored.
   *
   * @throws {CountersignError} `denied` when policy refuses it, and as `Asking.ask`.
   */
  async redraft(
    request: RequestSnapshot,
    operation: Operation,
    edit: Pick<Predecessor, "why" | "editedBy">,
  ): Promise<RequestDraft> {
    const { asking, onStep } = this.#parts;
    const { requestId } = request.binding;
    if (request.action.operation.kind === "plan" || operation.kind === "plan") {
      throw new CountersignError("invalid_operation", "A plan is not edited: strike lines out of it, or deny it.", { requestId });
    }
    const asked = await asking.ask({ ...callOf(request), operation: inPlaceOf(request.action.operation, operation) });
    const { decision } = asked;
    if (decision.effect === "deny") throw new CountersignError("denied", decision.message, { requestId });
    const draft = asking.draft(asked, decision, { ...edit, requestId });
    onStep("redrafted", requestId);
    return draft;
  }

  /**
   * Asks policy again about a request that waits. Where it says the same, the request stays; otherwise its approval, as far as it has come, is
   * void: it ends, and where policy does not refuse it another takes its place.
   *
   * @throws {CountersignError} that is retryable, when it could not be found out or written down now.
   */
  async redecide(request: RequestSnapshot): Promise<"same" | "ended"> {
    const { asking, requests, onStep } = this.#parts;
    const { requestId, policyDigest } = request.binding;
    let why = "The policy has changed.";
    try {
      const asked = await asking.again(request);
      const { decision } = asked;
      if (isSameTerms(request.decision, decision)) return "same";
      if (decision.policyDigest === policyDigest) why = "Policy decides differently by now.";
      if (decision.effect === "deny") throw new CountersignError("denied", decision.message);
      const draft = asking.draft(asked, decision, { requestId, why });
      onStep("redrafted", requestId);
      await requests.replace(draft, by);
    } catch (error) {
      if (error instanceof CountersignError && error.retryable) throw error;
      const { code, message } = error instanceof CountersignError ? error : undecidable;
      if (code !== "not_pending") await this.#end(request, code, `${why} ${message}`);
    }
    return "ended";
  }

  /** Ends it, approved or not by now; what is claimed is not held any more, and was asked about before it was sent. */
  async #end(request: RequestSnapshot, code: ErrorCode, message: string): Promise<void> {
    const { requests } = this.#parts;
    const { requestId: id } = request.binding;
    const [current] = await requests.list({ id });
    const state = current?.state === "approved" ? "revoked" : "cancelled";
    const outcome: Outcome = { state, failure: { code, message, retryable: false }, rows: 0, bytes: 0, durationMs: 0 };
    try {
      await requests.settle(id, { outcome, by, resultEvents: 0 });
    } catch (error) {
      if (!(error instanceof CountersignError && error.code === "not_cancellable")) throw error;
    }
  }
}

/**
 * What an edit cannot change: the connection that alone runs the operation, what its client sends while it runs, and the data that a COPY's client
 * has sent.
 *
 * @throws {CountersignError} `invalid_operation` for another kind of operation, `invalid_request` for one that would run on some client's connection.
 */
function inPlaceOf(before: Operation, after: Operation): Operation {
  if (after.kind !== before.kind) {
    throw new CountersignError(
      "invalid_operation",
      `What was asked for is of the kind ${before.kind}; an edit cannot make another of it.`,
    );
  }
  const [connection, streamed] = [connectionOf(before), isStreamed(before)];
  if ((connection === undefined && connectionOf(after) !== undefined) || (!streamed && isStreamed(after))) {
    throw new CountersignError(
      "invalid_request",
      "An edit cannot set `connection` and `streamed`: they are an unmodified client's own.",
    );
  }
  const own = { ...after, ...(connection && { connection }), ...(streamed && { streamed }) };
  if (before.kind !== "postgres.query" || own.kind !== "postgres.query") return own;
  const { runs: _, ...query } = own;
  const { input } = before;
  // What another text's EXECUTE would run is not known here.
  const runs = query.statement === before.statement ? before.runs : undefined;
  return { ...query, ...(input && { input }), ...(runs && { runs }) };
}

function isStreamed(operation: Operation): boolean {
  return "streamed" in operation && operation.streamed === true;
}
