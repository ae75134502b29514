import type { AuditLog } from "@countersign/audit";
import type { LockTarget } from "@countersign/policy";
import { ControlPlaneError } from "./control-plane-error.ts";

/** A lock that was recorded and not lifted. */
export interface RecordedLock {
  readonly id: string;
  readonly target: LockTarget;
  /** Who locked. */
  readonly by: string;
  readonly createdMs: number;
}

/** A review that was recorded as due, and neither closed nor void. */
export interface RecordedReview {
  readonly requestId: string;
  readonly resource: string;
  /** The subjects of those who approved alone. */
  readonly by: readonly string[];
  readonly timeMs: number;
  readonly dueMs: number;
}

/**
 * What still stands by the audit log. The rows of the store are sealed, but whoever can write its file can delete one: only the log, from which
 * nothing can be taken back unseen, knows that something was locked, or that somebody has to look at an emergency.
 */
export interface RecordedStanding {
  readonly locks: ReadonlyMap<string, RecordedLock>;
  readonly reviews: ReadonlyMap<string, RecordedReview>;
}

/** @throws {ControlPlaneError} `store_damaged` for a record that this program did not write. */
export async function recordedStanding(audit: Pick<AuditLog, "standing">): Promise<RecordedStanding> {
  const locks = new Map<string, RecordedLock>();
  const reviews = new Map<string, RecordedReview>();
  for (const bytes of await audit.standing()) {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (!isObject(record) || !isObject(record.detail)) throw unreadable();
    if (record.type === "lock") noteLock(locks, record, record.detail);
    if (record.type === "review") noteReview(reviews, record, record.detail);
  }
  return { locks, reviews };
}

function noteLock(locks: Map<string, RecordedLock>, record: Properties, { lock, change, target, by }: Properties): void {
  const id = text(lock);
  if (change === "lifted") locks.delete(id);
  else locks.set(id, { id, target: targetOf(target), by: isObject(by) ? text(by.subject) : "", createdMs: timeOf(record) });
}

function noteReview(reviews: Map<string, RecordedReview>, record: Properties, detail: Properties): void {
  const { change, brokenBy, dueMs } = detail;
  const requestId = text(record.request);
  const timeMs = timeOf(record);
  if (change === "closed" || change === "void") reviews.delete(requestId);
  else {
    const by = Array.isArray(brokenBy) ? brokenBy.map(text) : [];
    const due = typeof dueMs === "number" ? dueMs : timeMs;
    reviews.set(requestId, { requestId, resource: text(record.resource), by, timeMs, dueMs: due });
  }
}

function targetOf(value: unknown): LockTarget {
  if (isObject(value)) {
    const { type, issuer, subject, resource } = value;
    if (type === "principal") return { type, issuer: text(issuer), subject: text(subject) };
    if (type === "approver") return { type, subject: text(subject) };
    if (type === "resource") return { type, resource: text(resource) };
  }
  throw unreadable();
}

function timeOf({ time }: Properties): number {
  return Date.parse(text(time));
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw unreadable();
}

function unreadable(): ControlPlaneError {
  const help = "Run `countersign audit verify` to find the place, and restore the log.";
  return new ControlPlaneError(
    "store_damaged",
    `The audit log holds a record of a lock or a review that cannot be read. ${help}`,
  );
}

type Properties = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null;
}
