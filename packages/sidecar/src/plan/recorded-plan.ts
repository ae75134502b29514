import type { RequestState } from "@countersign/policy";

/** What the audit log says of a plan. */
export interface RecordedPlan {
  /** Lines with an intent, in the order of their intents, each with its last outcome. */
  readonly begun: ReadonlyMap<number, RequestState | undefined>;
  /** Lines that were struck out by votes that were taken. */
  readonly struck: ReadonlySet<number>;
  /** It was revoked, or has ended. */
  readonly over: boolean;
}

/** The states in which lines may begin. */
const open: readonly unknown[] = ["approved", "executing"];

/**
 * Reads what is on record of a plan. A row of the store that is put back to what it was before is as well sealed as it was then: only the log,
 * from which nothing can be taken back unseen, knows what has happened since.
 */
export function recordedPlan(records: readonly Uint8Array[]): RecordedPlan {
  const begun = new Map<number, RequestState | undefined>();
  const struck = new Set<number>();
  let over = false;
  for (const { type, detail } of records.map(parse)) {
    const { line, state, to, accepted, verdict } = detail;
    if (type === "intent" && typeof line === "number") begun.set(line, undefined);
    if (type === "outcome" && typeof line === "number") begun.set(line, state as RequestState);
    if (type === "vote" && accepted === true && verdict === "approve") for (const one of numbers(detail.struck)) struck.add(one);
    if (type === "revocation" || (type === "state" && !open.includes(to))) over = true;
  }
  return { begun, struck, over };
}

/** Our own bytes, read back; checked because a store may be damaged. */
function parse(bytes: Uint8Array): { readonly type: unknown; readonly detail: Readonly<Record<string, unknown>> } {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isObject(value)) return { type: undefined, detail: {} };
  return { type: value.type, detail: isObject(value.detail) ? value.detail : {} };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function numbers(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((one): one is number => typeof one === "number") : [];
}
