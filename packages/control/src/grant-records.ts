import type { RecordDraft } from "@countersign/audit";
import { type Approver, type Digest, grantDigest } from "@countersign/policy";
import type { MadeGrant } from "./grant-making.ts";

/** What every record about a grant says. */
function about({ id, statement }: Pick<MadeGrant, "id" | "statement">, timeMs: number) {
  const { issuer, subject, groups } = statement.principal;
  return { type: "grant" as const, timeMs, request: id, principal: { issuer, subject, groups }, resource: statement.resource };
}

/** A grant has come into force: of which request, and what its approvers signed. */
export function madeRecord(grant: MadeGrant): RecordDraft {
  const { statement, votes, fromMs, untilMs } = grant;
  const { template, role, rules, limits, target, owner, uses, ttlMs, openedMs, requestDigest } = statement;
  const forms = template.values.map(({ name, limit }) => ({ name, bound: limit.type }));
  return {
    ...about(grant, fromMs),
    detail: {
      change: "made",
      of: statement.requestId,
      digest: grantDigest(statement),
      ...{ requestDigest, role, rules, uses, ttlMs, openedMs, fromMs, untilMs },
      kind: template.kind,
      form: template.form,
      values: forms,
      limits: { ...limits },
      target: { ...target },
      ...(owner === undefined ? {} : { owner }),
      approvers: votes.map(({ approver }) => approver.subject),
    },
    // The bounds and the approved values, like everything that was asked, can be erased.
    payload: Buffer.from(JSON.stringify(template)),
  };
}

/** A grant is used: for which call, and what it runs. */
export function usedRecord(
  grant: Pick<MadeGrant, "id" | "statement">,
  use: { readonly use: number; readonly call: string; readonly actionDigest: Digest; readonly timeMs: number },
): RecordDraft {
  const { call, actionDigest, timeMs } = use;
  const detail = { change: "used", call, use: use.use, of: grant.statement.uses };
  return { ...about(grant, timeMs), action: actionDigest, detail };
}

/** A grant is taken back. */
export function revokedRecord(
  grant: Pick<MadeGrant, "id" | "statement">,
  { issuer, subject, groups }: Approver,
  reason: string,
  timeMs: number,
): RecordDraft {
  const detail = { change: "revoked", by: { issuer, subject, groups } };
  return { ...about(grant, timeMs), detail, payload: Buffer.from(reason) };
}
