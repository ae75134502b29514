import type { Condition } from "../policy/condition.ts";
import type { RuleSummary } from "../policy/rule.ts";
import type { Policy } from "../policy.ts";
import type { Direction, PolicyChange } from "./change.ts";
import { constantsOf, meaningOf, wordingOf } from "./meaning.ts";
import { ruleChanges } from "./rule-fields.ts";
import { limitWords, stageWords } from "./wording.ts";

/**
 * What is different between two policies, in words: rules that came and went (in that order), what changed in the others, and the named
 * conditions and variables that changed what rules mean. Empty when every decision is made the same and says the same; the order of rules,
 * the files that they are in, layout, comments and descriptions do not count.
 */
export function comparePolicies(before: Policy, after: Policy): readonly PolicyChange[] {
  const [was, is] = [byId(before), byId(after)];
  const removed = before.rules.filter(({ id }) => !is.has(id));
  const added = after.rules.filter(({ id }) => !was.has(id));
  const renamed = renames(removed, added);
  const kept = after.rules.flatMap((rule) => {
    const old = was.get(rule.id);
    return old ? [[old, rule] as const] : [];
  });
  return [
    ...added.filter((rule) => ![...renamed.values()].includes(rule)).map((rule) => appeared(rule)),
    ...removed.filter((rule) => !renamed.has(rule)).map((rule) => disappeared(rule)),
    ...[...renamed].map(([old, rule]) => rename(old, rule)),
    ...kept.flatMap(([old, rule]) =>
      ruleChanges(old, rule).map((change) => ({ kind: "changed" as const, rules: [rule.id], ...change })),
    ),
    ...nameChanges(kept),
  ];
}

function byId({ rules }: Policy): ReadonlyMap<string, RuleSummary> {
  return new Map(rules.map((rule) => [rule.id, rule]));
}

/** Rules that are the same but for their ids. */
function renames(removed: readonly RuleSummary[], added: readonly RuleSummary[]): ReadonlyMap<RuleSummary, RuleSummary> {
  const found = new Map<RuleSummary, RuleSummary>();
  for (const old of removed) {
    const same = added.find((rule) => isSame(old, rule) && ![...found.values()].includes(rule));
    if (same) found.set(old, same);
  }
  return found;
}

function isSame(before: RuleSummary, after: RuleSummary): boolean {
  return before.effect === after.effect && meaning(before) === meaning(after) && ruleChanges(before, after).length === 0;
}

function meaning({ condition }: RuleSummary): string {
  return condition ? meaningOf(condition) : "";
}

const addedDirections = { allow: "looser", deny: "tighter", review: "both" } as const;
const removedDirections = { allow: "tighter", deny: "looser", review: "both" } as const;

function appeared(rule: RuleSummary): PolicyChange {
  return existence("added", rule, addedDirections[rule.effect], `new rule: ${ruleWords(rule)}`);
}

function disappeared(rule: RuleSummary): PolicyChange {
  return existence("removed", rule, removedDirections[rule.effect], `the rule is gone: ${ruleWords(rule)}`);
}

function existence(kind: "added" | "removed", rule: RuleSummary, direction: Direction, text: string): PolicyChange {
  const condition = rule.condition && { [kind === "added" ? "after" : "before"]: rule.condition.text };
  return { kind, rules: [rule.id], direction, text, ...condition };
}

function rename(old: RuleSummary, rule: RuleSummary): PolicyChange {
  return {
    ...{ kind: "renamed", rules: [rule.id], before: old.id, after: rule.id, direction: "none" },
    text: `renamed; it was ${old.id}`,
  };
}

/** A rule in a few words, without its condition. */
function ruleWords({ effect, resources, role, limits, approval, opaque }: RuleSummary): string {
  const limited = limitWords(limits);
  return [
    `${effect} on ${resources?.join(", ") ?? "all resources"}`,
    ...(role === undefined ? [] : [`as ${role}`]),
    ...(limited === "none" ? [] : [`at most ${limited}`]),
    ...(approval ? [`approved by ${stageWords(approval.stages)}`] : []),
    ...(opaque ? ["also what is not fully understood"] : []),
  ].join(", ");
}

/** Named conditions and variables behind rules whose own words are as before, each once, with all rules that it reaches. */
function nameChanges(kept: readonly (readonly [RuleSummary, RuleSummary])[]): readonly PolicyChange[] {
  const found = new Map<string, { change: Omit<PolicyChange, "rules">; rules: string[] }>();
  for (const [before, after] of kept) {
    for (const change of behindNames(before, after)) {
      const key = JSON.stringify([change.kind, change.field, change.before, change.after]);
      const known = found.get(key) ?? { change, rules: [] };
      if (!known.rules.includes(after.id)) known.rules.push(after.id);
      found.set(key, known);
    }
  }
  return [...found.values()].map(({ change, rules }) => ({ ...change, rules: rules.sort() }));
}

/** What stands behind the names of a rule's condition; never nothing when the condition means something else than its own words tell. */
function behindNames(before: RuleSummary, after: RuleSummary): readonly Omit<PolicyChange, "rules">[] {
  if (!before.condition || !after.condition) return [];
  const changes = behind(before.condition, after.condition);
  const isTold = changes.length > 0 || wordingOf(before.condition) !== wordingOf(after.condition);
  if (isTold || meaning(before) === meaning(after)) return changes;
  return [{ kind: "changed", field: "when", direction: "unknown", text: "the condition now means something else" }];
}

function behind(before: Condition, after: Condition): readonly Omit<PolicyChange, "rules">[] {
  if (meaningOf(before) === meaningOf(after)) return [];
  const changes: Omit<PolicyChange, "rules">[] = [];
  const constants = constantsOf(after);
  for (const [field, value] of constantsOf(before)) {
    const [was, is] = [JSON.stringify(value), JSON.stringify(constants.get(field))];
    if (is === undefined || was === is) continue;
    const text = `the variable ${field} changed: ${was} → ${is}`;
    changes.push({ kind: "variable", field, before: was, after: is, direction: "unknown", text });
  }
  for (const [field, was] of before.conditions) {
    const is = after.conditions.get(field);
    if (!is || meaningOf(was) === meaningOf(is)) continue;
    if (wordingOf(was) !== wordingOf(is)) {
      const text = `the condition ${field} changed`;
      changes.push({ kind: "condition", field, before: was.text, after: is.text, direction: "unknown", text });
    }
    changes.push(...behind(was, is));
  }
  return changes;
}
