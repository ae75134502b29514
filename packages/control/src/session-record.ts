import type { PayloadCommitment } from "@countersign/audit";

/** What a record of a session says. */
export interface SessionRecord {
  readonly type: "session.started" | "session.part" | "session.ended";
  readonly timeMs: number;
  readonly principal: { readonly issuer: string; readonly subject: string; readonly groups: readonly string[] };
  readonly resource: string;
  readonly detail: { readonly [name: string]: unknown };
  readonly payload: PayloadCommitment | undefined;
}

const types: readonly unknown[] = ["session.started", "session.part", "session.ended"] satisfies SessionRecord["type"][];

/** Reads one of our own records; undefined for what is none of a session, or is damaged: that is the verifier's to tell. */
export function readSessionRecord(bytes: Uint8Array): SessionRecord | undefined {
  const record: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isObject(record) || !isType(record.type) || !isObject(record.principal)) return undefined;
  const { issuer, subject, groups } = record.principal;
  return {
    type: record.type,
    timeMs: Date.parse(String(record.time)),
    principal: { issuer: String(issuer), subject: String(subject), groups: Array.isArray(groups) ? groups.map(String) : [] },
    resource: String(record.resource),
    detail: isObject(record.detail) ? record.detail : {},
    payload: isCommitment(record.payload) ? record.payload : undefined,
  };
}

function isType(value: unknown): value is SessionRecord["type"] {
  return types.includes(value);
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCommitment(value: unknown): value is PayloadCommitment {
  return isObject(value) && typeof value.hash === "string" && typeof value.size === "number";
}
