import type { Digest } from "../canonical.ts";
import type { Approval, Decision, Limits } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Rule } from "./rule.ts";

/** A rule whose condition held, or could not be evaluated. */
export interface Match {
  readonly rule: Rule;
  /** Why the condition could not be evaluated; absent when it held. */
  readonly error?: string;
}

/** What a decision depends on besides the rules that matched. */
export interface Circumstances {
  readonly policyDigest: Digest;
  readonly resource: { readonly name: string; readonly roles: readonly string[] };
  readonly facts: Facts;
  /** The agent's own words. */
  readonly reason: string;
}

/**
 * Makes one decision of all rules that match, given in the order of their ids: a rule that cannot be evaluated denies, `deny` beats
 * `review` beats `allow`, what no rule matches is denied, and an `allow` does not see an opaque operation unless it says so.
 */
export function decideBy(matches: readonly Match[], at: Circumstances): Decision {
  const failed: Match[] = [];
  const by: Record<Rule["effect"], Rule[]> = { allow: [], deny: [], review: [] };
  for (const match of matches) {
    if (match.error === undefined) by[match.rule.effect].push(match.rule);
    else failed.push(match);
  }
  if (failed.length > 0 || by.deny.length > 0) {
    const reasons = [...failed.map(failure), ...by.deny.map(denial)];
    return deny(at, [...failed.map(({ rule }) => rule), ...by.deny], reasons.join(" "));
  }
  if (by.review.length > 0) return review(by.review, at);
  const clear = by.allow.filter((rule) => rule.opaque === true || !at.facts.sql.opaque);
  return clear.length > 0 ? allow(clear, at) : byDefault(by.allow, at);
}

function failure({ rule, error }: Match): string {
  return `The rule ${rule.id} could not be evaluated, so it denies: ${error}.`;
}

function denial(rule: Rule): string {
  return rule.message === undefined ? `Denied by the rule ${rule.id}.` : `Denied by the rule ${rule.id}: ${rule.message}`;
}

function byDefault(allows: readonly Rule[], at: Circumstances): Decision {
  const { opaque, doubts, kinds } = at.facts.sql;
  const why = opaque ? ` It was not fully understood: ${doubts.slice(0, 3).join("; ")}.` : "";
  if (allows.length === 0) return deny(at, [], `No rule allows this (${kinds.join(", ")} on ${at.resource.name}).${why}`);
  const ids = allows.map((rule) => rule.id).join(", ");
  return deny(at, [], `Not allowed, because an allow rule (${ids}) does not cover what is not fully understood.${why}`);
}

function allow(rules: readonly Rule[], at: Circumstances): Decision {
  return withRole(rules, at, (role) => ({ effect: "allow", ...base(rules, at), role, limits: limitsOf(rules) }));
}

function review(rules: readonly Rule[], at: Circumstances): Decision {
  const approvals = rules.flatMap((rule) => (rule.approval ? [{ rule: rule.id, ...rule.approval }] : []));
  const strict = approvals.filter((approval) => approval.justification === "required");
  if (strict.length > 0 && at.reason.trim() === "") {
    const ids = strict.map(({ rule }) => rule);
    return deny(
      at,
      rules.filter(({ id }) => ids.includes(id)),
      `The rule ${ids.join(", ")} asks for a reason. Give one with the request.`,
    );
  }
  const approval: Approval = {
    requirements: approvals.map(({ rule, stages }) => ({
      rule,
      stages: stages.map(({ approvers, count }) => ({ approvers, count })),
    })),
    expiresMs: Math.min(...approvals.map(({ expires }) => expires)),
    validForMs: Math.min(...approvals.map(({ validFor }) => validFor)),
    justification: strict.length > 0 ? "required" : "optional",
  };
  return withRole(rules, at, (role) => ({ effect: "review", ...base(rules, at), role, limits: limitsOf(rules), approval }));
}

/** The one role that the deciding rules agree on; a rule that names none takes what the others say, or the resource's only one. */
function withRole(rules: readonly Rule[], at: Circumstances, decided: (role: string) => Decision): Decision {
  const { name, roles } = at.resource;
  const named = [...new Set(rules.flatMap(({ role }) => role ?? []))].sort();
  const ids = () => rules.map(({ id }) => id).join(", ");
  if (named.length > 1)
    return deny(at, rules, `The rules ${ids()} name different roles (${named.join(", ")}); only one can be used.`);
  const role = named[0] ?? (roles.length === 1 ? roles[0] : undefined);
  if (role === undefined)
    return deny(
      at,
      rules,
      `No rule (${ids()}) names a role, and ${name} has ${roles.length === 0 ? "none" : `several (${roles.join(", ")})`}.`,
    );
  if (!roles.includes(role)) return deny(at, rules, `The rule ${ids()} names the role ${role}, which ${name} does not have.`);
  return decided(role);
}

/** The strictest of each. */
function limitsOf(rules: readonly Rule[]): Limits {
  const least = (key: "rows" | "bytes" | "time") => {
    const values = rules.flatMap(({ limits }) => limits?.[key] ?? []);
    return values.length > 0 ? Math.min(...values) : undefined;
  };
  const [rows, bytes, timeMs] = [least("rows"), least("bytes"), least("time")];
  return {
    ...(rows === undefined ? {} : { rows }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(timeMs === undefined ? {} : { timeMs }),
  };
}

function base(rules: readonly Rule[], at: Circumstances) {
  const messages = [...new Set(rules.flatMap(({ message }) => message ?? []))];
  return {
    rules: rules.map(({ id }) => id),
    policyDigest: at.policyDigest,
    ...(messages.length > 0 ? { message: messages.join(" ") } : {}),
  };
}

function deny(at: Circumstances, rules: readonly Rule[], message: string): Decision {
  return { effect: "deny", rules: rules.map(({ id }) => id).sort(), policyDigest: at.policyDigest, message };
}
