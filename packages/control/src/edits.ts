import {
  type Approver,
  CountersignError,
  hidingWith,
  type Operation,
  type Predecessor,
  type RequestDraft,
  type RequestSnapshot,
  withHidden,
} from "@countersign/policy";
import { editRecord, refusedEditRecord } from "./edit-records.ts";
import type { Eligibility, VoteRefusal } from "./eligibility.ts";
import type { Ledger } from "./ledger.ts";
import { requireReason } from "./reason.ts";
import type { Requests } from "./requests.ts";
import type { StoredRequest } from "./stores/request-store.ts";
import { asks } from "./succession.ts";

/**
 * Has the sidecar of a held request classify and decide another operation for the same caller. Gives the request that it would be; nothing is
 * stored.
 *
 * @throws {CountersignError} `denied` when policy refuses it, `invalid_operation` and others when it cannot be understood.
 */
export type Redraft = (
  request: RequestSnapshot,
  operation: Operation,
  edit: Pick<Predecessor, "why" | "editedBy">,
) => Promise<RequestDraft>;

/** What an approver would rather have run. */
export interface EditAttempt {
  /** What the approver saw. */
  readonly requestDigest: string;
  readonly operation: Operation;
  /** Why; the agent is told. */
  readonly comment: string;
}

/** What edits need. */
export interface EditsParts {
  readonly ledger: Ledger;
  readonly requests: Requests;
  readonly eligibility: Eligibility;
}

/** Approvers' changes of what is held. An edit is no vote: what it makes is decided anew and waits for votes of its own. */
export class Edits {
  readonly #parts: EditsParts;
  #redraft: Redraft | undefined;

  constructor(parts: EditsParts) {
    this.#parts = parts;
  }

  /** The sidecar is there: what it holds can be changed from now on. */
  connect(redraft: Redraft): void {
    this.#redraft = redraft;
  }

  /**
   * Puts a changed operation in the place of a held one. Who proposes it must be able to vote on the held one now, and policy must name them
   * for the changed one, or let it run by itself. A refused edit is recorded, and leaves the request as it is.
   *
   * @throws {CountersignError} as `Approvals.vote`; `reason_required`; `denied` when policy refuses the changed operation; `not_an_approver` when
   * it would ask others; `invalid_request` when nothing was changed; and what an agent's call would be refused with.
   */
  async propose(id: string, attempt: EditAttempt, approver: Approver): Promise<RequestSnapshot> {
    requireReason(attempt.comment, "Say why: the agent and the audit log are told.");
    const { ledger, requests, eligibility } = this.#parts;
    const request = await ledger.store.get({ id });
    if (request === undefined) throw new CountersignError("not_found", "There is no such request. Check the id.");
    const editor = eligibility.asNow(approver) ?? approver;
    try {
      this.#require(request, attempt, approver);
      // Whoever edits has not seen what is hidden: it is put back where it stands.
      const operation = withHidden(attempt.operation, request.action.operation, hidingWith(request.hidingSalt));
      const draft = await this.#drafted(request, { ...attempt, operation }, editor);
      requireNamed(eligibility.cannotJudge(draft, approver), id);
      return await requests.replaceWith(draft, editor.subject, (old) => {
        // Once more: others may have voted, or it may have ended, while the changed operation was decided.
        this.#require(old, attempt, approver);
        return [editRecord(old, draft, attempt, editor, ledger.now())];
      });
    } catch (error) {
      if (error instanceof CountersignError && !error.retryable)
        await ledger.record(refusedEditRecord(request, attempt, editor, error.code, ledger.now()));
      throw error;
    }
  }

  /** @throws {CountersignError} what a vote of this approver would be refused with. */
  #require(request: StoredRequest, { requestDigest }: EditAttempt, approver: Approver): void {
    const refusal = this.#parts.eligibility.refusal(request, approver) ?? otherDigest(request, requestDigest);
    if (refusal === undefined) return;
    throw new CountersignError(refusal.code, refusal.message, { requestId: request.binding.requestId });
  }

  async #drafted(request: StoredRequest, { operation, comment }: EditAttempt, { subject }: Approver): Promise<RequestDraft> {
    const { requestId } = request.binding;
    if (this.#redraft === undefined) {
      const message = "The sidecar that holds it is not there yet. Try again in a moment.";
      throw new CountersignError("control_plane_unavailable", message, { retryable: true, requestId });
    }
    if (asks(request) === asks({ action: { ...request.action, operation } }))
      throw new CountersignError("invalid_request", "Nothing was changed. Approve or deny the request as it is.", { requestId });
    try {
      return await this.#redraft(request, operation, { why: `Edited by ${subject}: ${comment.trim()}`, editedBy: subject });
    } catch (error) {
      if (!(error instanceof CountersignError && error.code === "denied")) throw error;
      const message = `Policy refuses the changed operation: ${error.message} The request stays as it is.`;
      throw new CountersignError("denied", message, { requestId, cause: error });
    }
  }
}

function requireNamed(refusal: VoteRefusal | undefined, requestId: string): void {
  if (refusal === undefined) return;
  const message =
    refusal.code === "not_an_approver"
      ? "The rules that would hold the changed operation do not ask you, so you cannot put it in the place of this one. Whom they ask may propose it."
      : refusal.message;
  throw new CountersignError(refusal.code, message, { requestId });
}

function otherDigest(request: StoredRequest, requestDigest: string): VoteRefusal | undefined {
  if (requestDigest === request.requestDigest) return undefined;
  return { code: "digest_mismatch", message: "You edited another digest than this request has. Look at the request again." };
}
