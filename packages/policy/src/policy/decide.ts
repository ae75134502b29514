import type { Digest } from "../canonical.ts";
import type { Approval, Decision, GrantBounds, Limits } from "../decision.ts";
import type { Protocol, ProtocolFacts } from "../facts/fact.ts";
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
  /** The agent's own words. */
  readonly reason: string;
  /** The role that the caller asked for. */
  readonly role?: string | undefined;
  readonly protocol: Protocol<ProtocolFacts>;
}

/** What the rules say about one statement: refused and why, or which rules decided. */
export type Verdict = { readonly rules: readonly Rule[]; readonly refusal?: string };

/**
 * Weighs the rules that match one statement: a rule that cannot be evaluated denies, `deny` beats `review` beats `allow`, what no rule
 * matches is denied, and an `allow` does not see an opaque operation unless it says so.
 */
export function verdict(matches: readonly Match[], facts: ProtocolFacts, at: Circumstances): Verdict {
  const failed: Match[] = [];
  const by: Record<Rule["effect"], Rule[]> = { allow: [], deny: [], review: [] };
  for (const match of matches) {
    if (match.error === undefined) by[match.rule.effect].push(match.rule);
    else failed.push(match);
  }
  if (failed.length > 0 || by.deny.length > 0) {
    const refusal = [...failed.map(failure), ...by.deny.map(denial)].join(" ");
    return { rules: [...failed.map(({ rule }) => rule), ...by.deny], refusal };
  }
  if (by.review.length > 0) {
    const sweeping = by.review.filter((rule) => unnamed(rule, facts, at.protocol).length > 0);
    return sweeping.length === 0
      ? hidingAll(by.review, facts, at)
      : { rules: sweeping, refusal: notMeant(sweeping, facts, at.protocol) };
  }
  const named = by.allow.filter((rule) => meant(rule, facts, at.protocol));
  const clear = named.filter((rule) => rule.opaque || !facts.opaque);
  return clear.length > 0 ? hidingAll(clear, facts, at) : { rules: [], refusal: byDefault(by.allow, named, facts, at) };
}

/** What rules decide, unless one of them masks what cannot be hidden in the result. */
function hidingAll(rules: readonly Rule[], facts: ProtocolFacts, { protocol }: Circumstances): Verdict {
  for (const { id, limits } of rules) {
    for (const mask of limits.masks ?? []) {
      const why = protocol.maskRefusal
        ? protocol.maskRefusal(mask, facts)
        : `nothing can be hidden in what ${protocol.variable} gives`;
      if (why !== undefined) return { rules, refusal: `Not run, because the rule ${id} masks ${mask}, and ${why}.` };
    }
  }
  return { rules };
}

/** Makes one decision of the verdicts about all statements of a text: all must be let through, and all that they ask for is asked. */
export function conclude(verdicts: readonly Verdict[], at: Circumstances): Decision {
  const rules = verdicts.length === 1 && verdicts[0] ? verdicts[0].rules : union(verdicts.map((one) => one.rules));
  const refusals = verdicts.flatMap(({ refusal }) => refusal ?? []);
  if (refusals.length > 0) {
    const refused = union(verdicts.flatMap((one) => (one.refusal === undefined ? [] : [one.rules])));
    return refuse(at, refused, [...new Set(refusals)].join(" "));
  }
  const { name, roles } = at.resource;
  const reviews = rules.filter(({ effect }) => effect === "review");
  // A person agrees to the whole text, and so to the credential that its reviewed part needs.
  const role = agreedRole(reviews.length > 0 ? reviews : rules, name, roles);
  if ("refusal" in role) return refuse(at, rules, role.refusal);
  if (at.role && at.role !== role.name)
    return refuse(
      at,
      rules,
      `The role ${at.role} was asked for, but the rule ${idsOf(rules)} gives ${role.name}. Ask for that one.`,
    );
  const messages = [...new Set(rules.flatMap(({ message }) => message ?? []))];
  const decided = {
    rules: rules.map(({ id }) => id),
    policyDigest: at.policyDigest,
    ...(messages.length > 0 ? { message: messages.join(" ") } : {}),
    role: role.name,
    limits: limitsOf(rules),
  };
  if (reviews.length === 0) return { effect: "allow", ...decided };
  const approval = approvalOf(reviews);
  if (approval.justification === "required" && at.reason.trim() === "") {
    const asking = reviews.filter((rule) => rule.approval?.justification === "required");
    return refuse(at, asking, `The rule ${idsOf(asking)} asks for a reason. Give one with the request.`);
  }
  return { effect: "review", ...decided, approval };
}

/** By id, each once. */
function union(lists: readonly (readonly Rule[])[]): readonly Rule[] {
  return [...new Set(lists.flat())].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function failure({ rule, error }: Match): string {
  return `The rule ${rule.id} could not be evaluated, so it denies: ${error}.`;
}

function denial(rule: Rule): string {
  return rule.message === undefined ? `Denied by the rule ${rule.id}.` : `Denied by the rule ${rule.id}: ${rule.message}`;
}

/** Whether an `allow` rule looks at all that must be named about such an operation. */
function meant(rule: Rule, facts: ProtocolFacts, protocol: Protocol<ProtocolFacts>): boolean {
  return unnamed(rule, facts, protocol).length === 0;
}

/** The facts that the condition of a rule would have to look at to cover such an operation. */
export function unnamed(rule: Rule, facts: ProtocolFacts, protocol: Protocol<ProtocolFacts>): readonly string[] {
  const fields = (rule.effect === "review" ? protocol.mustNameToHold?.(facts) : protocol.mustName?.(facts)) ?? [];
  return fields.map((field) => `${protocol.variable}.${field}`).filter((field) => !rule.condition?.facts.has(field));
}

function notMeant(rules: readonly Rule[], facts: ProtocolFacts, protocol: Protocol<ProtocolFacts>): string {
  const fields = [...new Set(rules.flatMap((rule) => unnamed(rule, facts, protocol)))].join(", ");
  return `Not allowed, because a review rule (${idsOf(rules)}) covers this only if its condition looks at ${fields}.`;
}

function byDefault(allows: readonly Rule[], named: readonly Rule[], facts: ProtocolFacts, at: Circumstances): string {
  const why = facts.opaque ? ` It was not fully understood: ${facts.doubts.slice(0, 3).join("; ")}.` : "";
  const [first] = allows;
  if (first === undefined) return `No rule allows this (${at.protocol.summary(facts)} on ${at.resource.name}).${why}`;
  if (named.length === 0) {
    const fields = unnamed(first, facts, at.protocol).join(", ");
    return `Not allowed, because an allow rule (${idsOf(allows)}) covers this only if its condition looks at ${fields}.${why}`;
  }
  return `Not allowed, because an allow rule (${idsOf(named)}) does not cover what is not fully understood.${why}`;
}

/** Every rule's requirement, and the strictest of all else. */
function approvalOf(reviews: readonly Rule[]): Approval {
  const approvals = reviews.flatMap(({ id, approval }) => (approval ? [{ rule: id, ...approval }] : []));
  const grants = approvals.map((approval) => approval.grants);
  return {
    requirements: approvals.map(({ rule, stages, breakGlass }) => ({ rule, stages, ...(breakGlass && { breakGlass }) })),
    expiresMs: Math.min(...approvals.map(({ expiresMs }) => expiresMs)),
    validForMs: Math.min(...approvals.map(({ validForMs }) => validForMs)),
    justification: approvals.some(({ justification }) => justification === "required") ? "required" : "optional",
    ...(approvals.some(({ signature }) => signature === "passkey") ? { signature: "passkey" } : {}),
    ...evidenceOf(approvals.map(({ evidence }) => evidence)),
    ...(approvals.every(({ input }) => input === "unseen") ? { input: "unseen" } : {}),
    // Only where every rule lets an approver remember it.
    ...(grants.every((bounds) => bounds !== undefined) ? { grants: strictestGrants(grants) } : {}),
  };
}

/** The most that any of them asks for: an approver sees rather more than less. */
function evidenceOf(asked: readonly Approval["evidence"][]): Pick<Approval, "evidence"> {
  if (asked.includes("effect")) return { evidence: "effect" };
  return asked.every((one) => one === "none") ? { evidence: "none" } : {};
}

function strictestGrants(all: readonly GrantBounds[]): GrantBounds {
  return {
    maxUses: Math.min(...all.map(({ maxUses }) => maxUses)),
    maxTtlMs: Math.min(...all.map(({ maxTtlMs }) => maxTtlMs)),
  };
}

/** The one role that the deciding rules agree on; a rule that names none takes what the others say, or the resource's only one. */
function agreedRole(rules: readonly Rule[], resource: string, roles: readonly string[]): { name: string } | { refusal: string } {
  const named = [...new Set(rules.flatMap(({ role }) => role ?? []))].sort();
  if (named.length > 1)
    return { refusal: `The rules ${idsOf(rules)} name different roles (${named.join(", ")}); only one can be used.` };
  const name = named[0] ?? (roles.length === 1 ? roles[0] : undefined);
  if (name === undefined) {
    const choice = roles.length === 0 ? "none" : `several (${roles.join(", ")})`;
    return { refusal: `No rule (${idsOf(rules)}) names a role, and ${resource} has ${choice}.` };
  }
  if (!roles.includes(name))
    return { refusal: `The rule ${idsOf(rules)} names the role ${name}, which ${resource} does not have.` };
  return { name };
}

function idsOf(rules: readonly Rule[]): string {
  return rules.map(({ id }) => id).join(", ");
}

/** The strictest of each, and all masks. */
function limitsOf(rules: readonly Rule[]): Limits {
  const limits: { -readonly [name in keyof Limits]: Limits[name] } = {};
  for (const { rows, bytes, timeMs, masks } of rules.map((rule) => rule.limits)) {
    if (rows !== undefined) limits.rows = Math.min(rows, limits.rows ?? rows);
    if (bytes !== undefined) limits.bytes = Math.min(bytes, limits.bytes ?? bytes);
    if (timeMs !== undefined) limits.timeMs = Math.min(timeMs, limits.timeMs ?? timeMs);
    if (masks !== undefined) limits.masks = limits.masks ? [...new Set([...limits.masks, ...masks])].sort() : masks;
  }
  return limits;
}

/** A denial by rules, or by none. */
export function refuse(at: Circumstances, rules: readonly Rule[], message: string): Decision {
  return { effect: "deny", rules: rules.map(({ id }) => id), policyDigest: at.policyDigest, message };
}
