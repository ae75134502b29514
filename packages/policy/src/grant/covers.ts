import type { Action } from "../action.ts";
import { canonicalJson, type Json } from "../canonical.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import { type Grant, type GrantTrust, grantLife } from "./grant.ts";
import { matchesGrant } from "./template.ts";

/** An action that is about to run, with what was found out about it now. */
export interface GrantedAction {
  readonly action: Action;
  readonly facts: Facts;
  /** What the policy in force says about it. */
  readonly decision: Decision;
  /** The owner of the caller, as its token says now. */
  readonly owner?: string;
  readonly nowMs: number;
}

/**
 * Whether a grant lets an action run, trusting nothing but signatures: the same caller, target, role, rules and limits as were signed, an
 * operation within the template, and votes that satisfy what the policy in force asks for. A policy that asks for anything else, or permits
 * less, makes the grant unusable.
 */
export function coversAction(grant: Grant, { action, facts, decision, owner, nowMs }: GrantedAction, trust: GrantTrust): boolean {
  if (decision.effect !== "review") return false;
  const { principal, resource, target, role, rules, limits, template } = grant.statement;
  const signed: Json = { principal: principalOf(principal), resource, target: { ...target }, role, rules, limits: { ...limits } };
  const now: Json = {
    principal: principalOf(action.principal),
    resource: action.resource,
    target: { ...action.target },
    role: action.role,
    rules: decision.rules,
    limits: { ...decision.limits },
  };
  if (decision.role !== role || canonicalJson(signed) !== canonicalJson(now)) return false;
  if (!matchesGrant(template, action.operation, facts)) return false;
  // Signatures last: they cost most.
  const life = grantLife(grant, decision.approval, trust, owner);
  return life !== undefined && nowMs >= life.fromMs && nowMs < life.untilMs;
}

function principalOf({ issuer, subject, groups }: Action["principal"]): Json {
  return { issuer, subject, groups };
}
