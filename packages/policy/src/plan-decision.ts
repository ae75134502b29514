import type { Approval, Decision, Deny, LineDecision, Requirement, Review } from "./decision.ts";
import { planNames } from "./plan.ts";

/**
 * What policy says about a plan, of what it says about each of its lines: one that is refused refuses the plan, and the plan waits for all
 * that its lines wait for. All lines have to be decided by one policy.
 *
 * @throws {TypeError} for no lines.
 */
export function decidePlan(lines: readonly Decision[]): Decision {
  const [first] = lines;
  if (first === undefined) throw new TypeError("A plan without lines cannot be decided");
  const { policyDigest } = first;
  const rules = [...new Set(lines.flatMap((line) => line.rules))].sort();
  const denials = lines.flatMap((line, index) => (line.effect === "deny" ? [{ line, number: index + 1 }] : []));
  if (denials.length > 0) return { effect: "deny", policyDigest, ...denial(denials) };

  const decided = lines.flatMap((line) => (line.effect === "deny" ? [] : [withoutDigest(line)]));
  const messages = [...new Set(lines.flatMap(({ message }) => message ?? []))];
  const plan = {
    ...{ rules, policyDigest, role: planNames(decided.map(({ role }) => role)), limits: {}, lines: decided },
    ...(messages.length > 0 ? { message: messages.join(" ") } : {}),
  };
  const approvals = decided.flatMap((line) => (line.effect === "review" ? [line.approval] : []));
  return approvals.length === 0
    ? { effect: "allow", ...plan }
    : { effect: "review", ...plan, approval: approvalOfAll(approvals) };
}

/** A line's decision within a plan's: by which policy is said there. */
function withoutDigest({ policyDigest: _, lines: __, ...decision }: Exclude<Decision, Deny>): LineDecision {
  return decision;
}

function denial(denials: readonly { readonly line: Decision; readonly number: number }[]): Pick<Deny, "rules" | "message"> {
  return {
    rules: [...new Set(denials.flatMap(({ line }) => line.rules))].sort(),
    message: denials.map(({ line, number }) => `Line ${number}: ${line.message ?? "denied."}`).join(" "),
  };
}

/** Every rule's requirement once, and the strictest of all else. A plan is for once: there is no grant on it. */
function approvalOfAll(approvals: readonly Review["approval"][]): Approval {
  const requirements = new Map<string, Requirement>();
  for (const one of approvals.flatMap((approval) => approval.requirements)) requirements.set(one.rule, one);
  return {
    requirements: [...requirements.values()],
    expiresMs: Math.min(...approvals.map(({ expiresMs }) => expiresMs)),
    validForMs: Math.min(...approvals.map(({ validForMs }) => validForMs)),
    justification: approvals.some(({ justification }) => justification === "required") ? "required" : "optional",
    ...(approvals.some(({ signature }) => signature === "passkey") ? { signature: "passkey" } : {}),
  };
}
