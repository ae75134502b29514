import type { Action, TargetIdentity } from "../action.ts";
import { canonicalDigest, type Digest, type Json } from "../canonical.ts";
import type { Review } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { RequestDraft } from "../request-book.ts";
import type { ValueLimit } from "./bound.ts";
import { type GrantTemplate, templateOf } from "./template.ts";
import type { GrantTerms } from "./terms.ts";

/** All that a grant is: what its approvers sign, besides the request that it is made of. */
export interface GrantStatement extends Pick<GrantTerms, "uses" | "ttlMs"> {
  readonly requestId: string;
  readonly requestDigest: Digest;
  readonly template: GrantTemplate;
  readonly resource: string;
  readonly target: TargetIdentity;
  readonly principal: Action["principal"];
  /** The owner of the principal, who may not have approved it. */
  readonly owner?: string;
  readonly role: string;
  readonly rules: readonly string[];
  readonly limits: Review["limits"];
  /** When its request was opened, milliseconds since the Unix epoch: by that those count whom time has added. */
  readonly openedMs: number;
}

/** What of a request a grant is made of. */
export type GrantableRequest = Pick<RequestDraft, "binding" | "requestDigest" | "action" | "owner"> & {
  readonly decision: Review;
  readonly facts: Facts;
};

/**
 * The statement of a grant with checked terms.
 *
 * @throws {CountersignError} as {@link templateOf}.
 */
export function grantStatement(request: GrantableRequest, { uses, ttlMs, bounds }: GrantTerms): GrantStatement {
  const { binding, requestDigest, action, owner, decision, facts } = request;
  const { issuer, subject, groups } = action.principal;
  return {
    requestId: binding.requestId,
    requestDigest,
    template: templateOf(action.operation, facts, bounds),
    resource: action.resource,
    target: action.target,
    principal: { issuer, subject, groups },
    ...(owner === undefined ? {} : { owner }),
    role: action.role,
    rules: decision.rules,
    limits: binding.limits,
    openedMs: binding.expiry.pendingUntilMs - decision.approval.expiresMs,
    ...{ uses, ttlMs },
  };
}

/**
 * What votes are over when they make a grant: `sha256("countersign/grant/v1\n" ‖ JCS(statement))`.
 *
 * @throws {TypeError} when a text holds a lone surrogate.
 */
export function grantDigest(statement: GrantStatement): Digest {
  const { requestId, requestDigest, template, resource, target, principal, owner, role, rules, limits, openedMs } = statement;
  const { issuer, subject, groups } = principal;
  return canonicalDigest("countersign/grant/v1", {
    ...{ requestId, requestDigest, resource, role, rules, openedMs },
    template: {
      kind: template.kind,
      form: template.form,
      values: template.values.map(({ name, limit }) => ({ name, limit: limitJson(limit) })),
    },
    target: { ...target },
    principal: { issuer, subject, groups },
    ...(owner === undefined ? {} : { owner }),
    limits: { ...limits },
    uses: statement.uses,
    ttlMs: statement.ttlMs,
  });
}

function limitJson(limit: ValueLimit): Json {
  return limit.type === "exact" ? { type: limit.type, value: limit.value === null ? null : { ...limit.value } } : { ...limit };
}
