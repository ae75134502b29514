import { type Bound, CountersignError, type GrantTerms, type ShapeValue, type ValueBound } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";
import { grantable, offeredWith } from "../grant-making.ts";
import { templateText } from "../grant-words.ts";
import type { Grants } from "../grants.ts";
import type { StoredGrant } from "../stored-grant.ts";
import type { StoredRequest } from "../stores/request-store.ts";

/** A grant as approvers see it. */
export function grantMessage(grant: StoredGrant, grants: Grants): rpc.Grant {
  const { id, statement, votes, text, used, untilMs, createdMs, revokedReason = "" } = grant;
  const { issuer, subject, groups } = statement.principal;
  const { template, uses, ttlMs } = statement;
  const bounds = template.values.flatMap(({ name, limit }) => (limit.type === "exact" ? [] : [{ value: name, bound: limit }]));
  return {
    ...{ id, used, createdMs, revokedReason },
    active: grants.isActive(grant),
    requestId: statement.requestId,
    resource: statement.resource,
    principal: { issuer, subject, groups: [...groups] },
    template: templateText(text, template),
    terms: termsMessage({ uses, ttlMs, bounds }),
    expiresMs: untilMs,
    approvers: votes.map(({ approver }) => approver.subject),
  };
}

/** What a grant on a request may be at most; undefined where none is possible. */
export function boundsMessage(request: StoredRequest): rpc.GrantBounds | undefined {
  const found = grantable(request);
  if (found === undefined) return undefined;
  const { maxUses, maxTtlMs } = found.bounds;
  return { maxUses, maxTtlSeconds: Math.floor(maxTtlMs / 1000), values: found.values.map(valueMessage) };
}

/** The grant that a vote agreed to. A row whose terms are not those that were signed shows none. */
export function agreedMessage(
  request: StoredRequest,
  { grant, verdict }: StoredRequest["votes"][number],
): rpc.GrantTerms | undefined {
  if (grant === undefined) return undefined;
  const { offer } = offeredWith(request, { grant: grant.terms, verdict });
  return offer?.digest === grant.digest ? termsMessage(offer.terms) : undefined;
}

/**
 * Terms from the wire.
 *
 * @throws {CountersignError} `invalid_request`.
 */
export function termsOf({ uses, ttlSeconds, bounds }: rpc.GrantTerms): GrantTerms {
  return { uses, ttlMs: ttlSeconds * 1000, bounds: bounds.map(boundOf) };
}

function termsMessage({ uses, ttlMs, bounds }: GrantTerms): rpc.GrantTerms {
  return {
    uses,
    ttlSeconds: Math.floor(ttlMs / 1000),
    bounds: bounds.map(({ value, bound }) => ({ value, bound: wireBound(bound) })),
  };
}

function boundOf({ value, bound }: rpc.ValueBound): ValueBound {
  switch (bound?.$case) {
    case "oneOf":
      return { value, bound: { type: "one_of", values: bound.value.values } };
    case "range":
      return { value, bound: { type: "range", min: bound.value.min, max: bound.value.max } };
    case "prefix":
      return { value, bound: { type: "prefix", prefix: bound.value } };
    case "any":
      if (bound.value) return { value, bound: { type: "any" } };
  }
  throw new CountersignError("invalid_request", `The bound on ${JSON.stringify(value.slice(0, 100))} says nothing.`);
}

function wireBound(bound: Bound): NonNullable<rpc.ValueBound["bound"]> {
  switch (bound.type) {
    case "one_of":
      return { $case: "oneOf", value: { values: [...bound.values] } };
    case "range":
      return { $case: "range", value: { min: bound.min, max: bound.max } };
    case "prefix":
      return { $case: "prefix", value: bound.prefix };
    case "any":
      return { $case: "any", value: true };
  }
}

function valueMessage({ name, value }: ShapeValue): rpc.GrantValue {
  if (value === null) return { name, value: { $case: "null", value: true } };
  return "text" in value
    ? { name, value: { $case: "text", value: value.text } }
    : { name, value: { $case: "binary", value: Buffer.from(value.binary, "base64url") } };
}
