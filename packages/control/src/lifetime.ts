import { lineAtWork, lineCount } from "@countersign/policy";
import type { RequestOverview } from "./stores/request-store.ts";
import { openedMs } from "./tally.ts";

/** How far the clock may be behind a request's last change, milliseconds. */
const clockSkewMs = 60_000;

/**
 * When a request that waits expires, milliseconds since the Unix epoch; undefined when it waits for nothing. Taken from what is sealed and
 * signed: a changed time column can only make it earlier.
 */
export function deadline(request: RequestOverview): number | undefined {
  const { pendingUntilMs, validForMs } = request.binding.expiry;
  if (request.state === "pending") return pendingUntilMs;
  // A plan waits between its lines; while one is at work nothing is waited for.
  const between = request.state === "executing" && lineCount(request) > 0 && lineAtWork(request) === undefined;
  if (request.state !== "approved" && !between) return undefined;
  const lastVoteMs = request.votes.reduce((latest, vote) => Math.max(latest, vote.timeMs), 0);
  const approvedMs = request.decision.effect === "allow" ? pendingUntilMs : request.grant ? openedMs(request) : lastVoteMs;
  return Math.min(request.validUntilMs ?? 0, approvedMs + validForMs);
}

/**
 * Whether a request's time is up. A request from the future has lapsed too: the clock was set back while nobody was running, so nobody can
 * tell how long it has waited.
 */
export function hasLapsed(request: RequestOverview, nowMs: number): boolean {
  const until = deadline(request);
  return until !== undefined && (nowMs >= until || request.changedMs > nowMs + clockSkewMs);
}
