import type { Limits, Stage } from "../decision.ts";
import type { Problem } from "../problem.ts";
import type { CheckedCondition } from "./checked-condition.ts";
import { protocolOf } from "./environment.ts";
import type { Rule, RuleApproval } from "./rule.ts";
import type { RuleText } from "./rule-schema.ts";

/** Joins a rule's text, its place and its compiled condition. */
export function createRule(text: RuleText, at: Problem, condition: CheckedCondition | undefined): Rule {
  const { id, description, effect, resources, role, limits, approval, opaque = false, message } = text;
  const uses = [...(condition?.uses ?? [])];
  return {
    id,
    file: at.file,
    line: at.line,
    column: at.column,
    ...(description === undefined ? {} : { description }),
    effect,
    ...(resources === undefined ? {} : { resources }),
    ...(condition ? { condition, part: condition.compile() } : {}),
    protocols: uses.flatMap((name) => protocolOf[name] ?? []),
    ...(role === undefined ? {} : { role }),
    limits: limitsOf(limits),
    ...(approval === undefined ? {} : { approval: approvalOf(approval) }),
    opaque,
    ...(message === undefined ? {} : { message }),
    private: text.private ?? false,
    looksAt: looksAt(uses),
  };
}

/** A variable that is not known here counts as one that always changes. */
function looksAt(uses: readonly string[]): Rule["looksAt"] {
  const others = uses.filter((name) => name !== "resource" && !Object.hasOwn(protocolOf, name));
  if (others.length === 0) return "facts";
  return others.every((name) => name === "principal" || name === "reason" || name === "role") ? "caller" : "clock";
}

function limitsOf({ rows, bytes, time, masks }: NonNullable<RuleText["limits"]> = {}): Limits {
  return {
    ...(rows === undefined ? {} : { rows }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(time === undefined ? {} : { timeMs: time }),
    ...(masks === undefined ? {} : { masks: [...new Set(masks)].sort() }),
  };
}

function approvalOf({
  stages,
  expires,
  validFor,
  signature,
  justification,
  evidence,
  input,
  grants,
  breakGlass,
}: NonNullable<RuleText["approval"]>): RuleApproval {
  return {
    stages: stages.map(stageOf),
    expiresMs: expires,
    validForMs: validFor,
    justification,
    ...(signature === "passkey" ? { signature } : {}),
    ...(evidence === "plan" ? {} : { evidence }),
    ...(input === "captured" ? {} : { input }),
    ...(grants === undefined ? {} : { grants: { maxUses: grants.maxUses, maxTtlMs: grants.maxTtl } }),
    ...(breakGlass === undefined
      ? {}
      : { breakGlass: { approvers: breakGlass.approvers, reviewWithinMs: breakGlass.reviewWithin } }),
  };
}

function stageOf({ approvers, count, escalate }: NonNullable<RuleText["approval"]>["stages"][number]): Stage {
  if (escalate === undefined) return { approvers, count };
  const steps = escalate.map(({ after, to }) => ({ afterMs: after, to }));
  return { approvers, count, escalate: steps.sort((a, b) => a.afterMs - b.afterMs) };
}
