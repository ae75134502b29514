import { type Facts, subjectOf } from "../facts.ts";
import type { Examined, Policy, Question } from "../policy.ts";
import { answerAlone, cleaningOf, partsOf, refused, understood } from "./answer.ts";
import { type Asking, type Posed, pose } from "./asking.ts";
import { explainCondition, type Ground } from "./condition-part.ts";
import type { ExplainedRule, Explanation, Reason } from "./explanation.ts";
import { Places } from "./place.ts";
import { reasonsOf } from "./reason.ts";

/**
 * What a policy decides about an operation and why: every rule, what became of it, and which parts of its condition made it so. Never throws
 * for what the operation holds: what classification refuses is denied, with its error.
 */
export function explainOperation(policy: Policy, asking: Asking): Explanation {
  const facts = understood(asking);
  if ("code" in facts) return { ...refused(facts), policyDigest: policy.digest, examined: [], parts: [] };
  return explainAll(facts, (about) => pose(policy, asking, about));
}

/** As {@link explainOperation}, for a question whose facts are known. */
export function explain(policy: Policy, question: Question): Explanation {
  return explainAll(question.facts, (facts) => ({ policy, question: { ...question, facts }, anyRole: false }));
}

function explainAll(facts: Facts, poseOf: (facts: Facts) => Posed): Explanation {
  return { ...explainAlone(poseOf(facts)), parts: partsOf(facts).map((part) => explainAlone(poseOf(part))) };
}

function explainAlone(posed: Posed): Explanation {
  const { policy, question } = posed;
  const answer = answerAlone(posed);
  const clean = cleaningOf(question.facts);
  const ground: Ground = { question, facts: subjectOf(question.facts).whole, places: placesOf(policy), clean };
  const examined = policy.examine(question).map((one) => explainRule(one, answer.rules.includes(one.rule.id), ground));
  return { ...answer, policyDigest: policy.digest, examined, parts: [] };
}

/** Positions are looked up in the files, which are read again for it: once for each policy. */
const places = new WeakMap<Policy["files"], Places>();

function placesOf({ files }: Policy): Places {
  const known = places.get(files) ?? new Places(files);
  places.set(files, known);
  return known;
}

function explainRule(examined: Examined, decided: boolean, ground: Ground): ExplainedRule {
  const { rule, result } = examined;
  const { id, description, effect, file, line, column, resources, condition } = rule;
  const looked = result !== "other_resource" && result !== "other_protocol";
  const part = condition && looked ? explainCondition(condition, ground.places.ofRule(rule), ground) : undefined;
  const reasons = part ? reasonsOf(part) : [];
  return {
    ...{ id, effect, file, line, column, result, decided, reasons },
    ...(description === undefined ? {} : { description }),
    ...(resources === undefined ? {} : { resources }),
    because: because(examined, reasons),
    ...(part ? { condition: part } : {}),
  };
}

function because({ rule, result, error, unnamed = [] }: Examined, reasons: readonly Reason[]): string {
  const said = listed(reasons) || "it has no condition";
  switch (result) {
    case "matched":
    case "not_matched":
      return said;
    case "failed":
      return listed(reasons) || (error ?? "its condition cannot be evaluated");
    case "other_resource":
      return `it is about ${(rule.resources ?? []).join(", ")}`;
    case "other_protocol":
      return `it is about ${rule.protocols.join(", ")}`;
    case "opaque":
      return `${said}; but it does not cover what is not fully understood, as it does not say opaque: true`;
    case "unnamed":
      return `${said}; but it covers such an operation only if its condition looks at ${unnamed.join(", ")}`;
    case "only_parts_count":
      return `${said}; but of several together each has to be allowed alone`;
  }
}

const mostReasons = 4;

function listed(reasons: readonly Reason[]): string {
  const said = [...new Set(reasons.map(({ says }) => says))];
  const more = said.length > mostReasons ? [`and ${said.length - mostReasons} more`] : [];
  return [...said.slice(0, mostReasons), ...more].join("; ");
}
