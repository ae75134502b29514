import {
  beganLine,
  CountersignError,
  type Digest,
  endedLine,
  lineAtWork,
  lineRefusal,
  type Outcome,
  type PlanCourse,
  stoppedPlan,
} from "@countersign/policy";
import type { Entry, Ledger } from "./ledger.ts";
import { type PermitParts, requirePermit } from "./permits.ts";
import type { RequestOverview, StoredRequest } from "./stores/request-store.ts";

/** Plans under way: their lines run one after the other, each once, and the plan ends with the last or with one that does not succeed. */
export class Plans {
  readonly #parts: PermitParts;

  constructor(parts: PermitParts) {
    this.#parts = parts;
  }

  /** As `RequestBook.beginLine`. */
  begin(id: string, requestDigest: Digest, sidecar: string, line: number): Promise<StoredRequest> {
    const { ledger } = this.#parts;
    return ledger.withRequest(id, async (request) => {
      const refusal = lineRefusal(request, line);
      // Once it has ended, how it ended says more than which line would be next.
      if (request.state === "executing" && refusal !== undefined) throw refused(id, refusal);
      await requirePermit(request, { requestDigest, sidecar }, this.#parts);
      if (refusal !== undefined) throw refused(id, refusal);
      const entry = { course: beganLine(request, line), by: "sidecar", timeMs: ledger.now() };
      return ledger.apply(request, request.state === "approved" ? { ...entry, to: "executing" } : entry);
    });
  }

  /** As `RequestBook.endLine`. */
  end(id: string, line: number, outcome: Outcome): Promise<StoredRequest> {
    const { ledger } = this.#parts;
    return ledger.withRequest(id, async (request) => {
      const last = request.course?.begun.at(-1);
      // Said again, because the first answer got lost: it stands.
      if (last?.line === line && last.state === outcome.state) return request;
      if (last?.line !== line || (last.state !== "executing" && last.state !== "unknown")) {
        throw new CountersignError("not_cancellable", `Line ${line + 1} is not at work.`, { requestId: id });
      }
      return ledger.apply(request, { ...lineEnd(request, outcome), by: "sidecar", timeMs: ledger.now() });
    });
  }
}

/** What the end of a plan's last begun line changes. */
export function lineEnd(request: RequestOverview, lineOutcome: Outcome): Pick<Entry, "course" | "to" | "outcome"> {
  const { course, outcome } = endedLine(request, lineOutcome);
  return outcome === undefined ? { course } : { course, outcome, to: outcome.state };
}

/**
 * Ends a plan of which lines have begun, inside `withRequest`: at once between two lines; while one is at work no other begins, and the plan
 * ends with that one.
 */
export function stopPlan(
  ledger: Ledger,
  request: StoredRequest,
  stopped: NonNullable<PlanCourse["stopped"]>,
  by: string,
): Promise<StoredRequest> {
  const { code, message } = stopped;
  const timeMs = ledger.now();
  if (lineAtWork(request) !== undefined) {
    return ledger.apply(request, { course: { begun: [], ...request.course, stopped: { code, message } }, by, timeMs });
  }
  return ledger.apply(request, { to: "failed", outcome: stoppedPlan(request, stopped), by, timeMs });
}

function refused(requestId: string, { code, message }: NonNullable<ReturnType<typeof lineRefusal>>): CountersignError {
  return new CountersignError(code, message, { requestId });
}
