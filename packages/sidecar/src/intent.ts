import type { OpenIntent, RecordDraft } from "@countersign/audit";
import { CountersignError, type Json } from "@countersign/policy";

/** What an intent record says, as far as a doubt about it needs it. */
export interface Intent {
  readonly request: string;
  readonly resource: string;
  readonly role: string;
  readonly readOnly: boolean;
  readonly marker: Json;
  /** Of a plan. */
  readonly line?: number;
  /** What the record of its outcome has in common with it. */
  readonly base: Pick<RecordDraft, "action" | "principal" | "resource" | "policy">;
}

/**
 * Reads an intent back: our own bytes, checked because a store may be damaged.
 *
 * @throws {CountersignError} `internal`.
 */
export function readIntent(open: OpenIntent): Intent {
  const record: unknown = JSON.parse(Buffer.from(open.record).toString());
  if (
    !isObject(record) ||
    !isObject(record.detail) ||
    typeof record.resource !== "string" ||
    typeof record.detail.role !== "string"
  ) {
    throw new CountersignError(
      "internal",
      `The intent record of ${open.request} cannot be read; run \`countersign audit verify\`.`,
    );
  }
  const { detail } = record;
  return {
    request: open.request,
    resource: record.resource,
    role: record.detail.role,
    readOnly: detail.readOnly === true,
    marker: (detail.marker ?? null) as Json,
    ...(typeof detail.line === "number" ? { line: detail.line } : {}),
    base: {
      resource: record.resource,
      ...(typeof record.action === "string" ? { action: record.action } : {}),
      ...(typeof record.policy === "string" ? { policy: record.policy } : {}),
      ...(isPrincipal(record.principal) ? { principal: record.principal } : {}),
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPrincipal(value: unknown): value is NonNullable<RecordDraft["principal"]> {
  return isObject(value) && typeof value.issuer === "string" && typeof value.subject === "string" && Array.isArray(value.groups);
}
