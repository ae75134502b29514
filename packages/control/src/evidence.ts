import { CountersignError, type Evidence, type EvidenceBook, type EvidenceKind } from "@countersign/policy";
import { evidenceRecord, gatheringRecord } from "./evidence-records.ts";
import type { Ledger } from "./ledger.ts";
import type { EvidenceStore } from "./stores/evidence-store.ts";
import type { RequestOverview, StoredRequest } from "./stores/request-store.ts";

/** The largest evidence, bytes of JSON: it goes to browsers and into the log. */
const largest = 512 * 1024;

/** Operations of whose targets something is always found out; of others, where the resource is configured for it. */
const looksAlways: ReadonlySet<string> = new Set(["postgres.query", "kubernetes.request"]);

/** What was found out about requests that wait: recorded, stored sealed, told to those who watch. Nobody votes over it, and no agent sees it. */
export class EvidenceDesk implements EvidenceBook {
  readonly #ledger: Ledger;
  readonly #store: EvidenceStore;

  constructor(ledger: Ledger, store: EvidenceStore) {
    this.#ledger = ledger;
    this.#store = store;
  }

  begin(requestId: string, kind: EvidenceKind): Promise<boolean> {
    return this.#ledger.withRequest(requestId, async (request) => {
      if (!isAwaited(request, kind) || (await this.#store.get(requestId)) !== undefined) return false;
      await this.#ledger.record(gatheringRecord(request, kind, this.#ledger.now()));
      return true;
    });
  }

  attach(requestId: string, evidence: Evidence): Promise<void> {
    if (Buffer.byteLength(JSON.stringify(evidence)) > largest) {
      throw new CountersignError("invalid_request", `Evidence of more than ${largest} bytes is not kept.`, { requestId });
    }
    return this.#ledger.withRequest(requestId, async (request) => {
      if (!isAwaited(request, evidence.kind) || (await this.#store.get(requestId)) !== undefined) return;
      await this.#ledger.record(evidenceRecord(request, evidence, this.#ledger.now()));
      await this.#store.insert(requestId, evidence);
      this.#ledger.changes.publish(requestId);
    });
  }

  /** What was found out; while it is still being found out, that. Undefined when nothing is asked. */
  async of(request: StoredRequest): Promise<Evidence | undefined> {
    const found = await this.#store.get(request.binding.requestId);
    if (found !== undefined || !isAwaited(request, "plan") || !looksAlways.has(request.action.operation.kind)) return found;
    return {
      kind: "plan",
      timeMs: request.createdMs,
      failure: "It is still being found out. Look again in a moment.",
      notes: [],
    };
  }
}

/** Whether a request still waits for people who are to be shown something: what locks its client holds, also where no rule asks for evidence. */
function isAwaited({ state, decision }: Pick<RequestOverview, "state" | "decision">, kind: EvidenceKind): boolean {
  return state === "pending" && decision.effect === "review" && (decision.approval.evidence !== "none" || kind === "locks");
}
