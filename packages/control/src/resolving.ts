import { type Approver, CountersignError, lineCount, type Outcome } from "@countersign/policy";
import type { Eligibility } from "./eligibility.ts";
import type { Entry, Ledger } from "./ledger.ts";
import { lineEnd } from "./plans.ts";
import { resolutionRecord } from "./request-records.ts";
import type { StoredRequest } from "./stores/request-store.ts";

/** Clears up doubts: a person says what became of a request where the target cannot tell. */
export class Resolving {
  readonly #ledger: Ledger;
  readonly #eligibility: Eligibility;

  constructor(ledger: Ledger, eligibility: Eligibility) {
    this.#ledger = ledger;
    this.#eligibility = eligibility;
  }

  /**
   * Says whether a request whose outcome is unknown took effect. Whoever may say so is whoever might have approved it; nothing is run by it.
   *
   * @throws {CountersignError} `not_found`, `not_pending` when there is no doubt, `reason_required`, `requester_cannot_vote`,
   * `not_an_approver`, `approver_locked`, and as every change.
   */
  async resolve(id: string, by: Approver, happened: boolean, reason: string): Promise<StoredRequest> {
    if (reason.trim() === "")
      throw new CountersignError("reason_required", "Say how it is known: whoever looks later has to understand.");
    return this.#ledger.withRequest(id, async (request) => {
      if (request.state !== "unknown") {
        throw new CountersignError("not_pending", `It is ${request.state}; there is no doubt to clear up.`, { requestId: id });
      }
      const refusal = this.#eligibility.cannotJudge(request, by);
      if (refusal !== undefined) throw new CountersignError(refusal.code, refusal.message, { requestId: id });
      const timeMs = this.#ledger.now();
      const state: "succeeded" | "failed" = happened ? "succeeded" : "failed";
      const failure = {
        code: "target_lost",
        message: `It did not take effect, says ${by.subject}: ${reason}`,
        retryable: false,
      } as const;
      const before = request.course?.begun.at(-1)?.outcome ?? request.outcome ?? nothing;
      const outcome: Outcome = { ...before, state, ...(happened ? {} : { failure }) };
      const { failure: _, ...done } = outcome;
      const cleared = happened ? done : outcome;
      const end = lineCount(request) > 0 ? lineEnd(request, cleared) : { to: state, outcome: cleared };
      const change: Entry = { ...end, by: by.subject, timeMs };
      return this.#ledger.apply(request, change, resolutionRecord(request, by, happened, reason, timeMs));
    });
  }
}

const nothing = { rows: 0, bytes: 0, durationMs: 0 };
