import { RequestState, type RequestSummary } from "@countersign/rpc";

/** A request of a list, and how many others ask for the very same: they are shown once, and each needs its own votes. */
export interface Alike {
  readonly shown: RequestSummary;
  /** With this one. */
  readonly count: number;
}

/** What waits twice is shown once: the same caller, the same action. The first of the list stands for the others. */
export function shownOnce(requests: readonly RequestSummary[]): readonly Alike[] {
  const found = new Map<string, Alike>();
  for (const shown of requests) {
    const { issuer = "", subject = "" } = shown.principal ?? {};
    const isWaiting = shown.state === RequestState.PENDING && shown.actionDigest !== "";
    const key = isWaiting ? JSON.stringify([issuer, subject, shown.actionDigest, shown.rules]) : shown.id;
    const first = found.get(key);
    found.set(key, { shown: first?.shown ?? shown, count: (first?.count ?? 0) + 1 });
  }
  return [...found.values()];
}
