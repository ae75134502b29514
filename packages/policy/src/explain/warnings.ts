import { selects } from "../policy/selector.ts";
import type { Policy, RuleSummary } from "../policy.ts";
import type { Problem } from "../problem.ts";
import { didYouMean } from "../suggest.ts";
import { type Claim, claimOf, implies } from "./implication.ts";
import { Places } from "./place.ts";

/** What stands around a policy. */
export interface Surroundings {
  readonly resources: readonly {
    readonly name: string;
    readonly type: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly roles: readonly string[];
  }[];
  readonly approvers: readonly { readonly name: string; readonly groups: readonly string[] }[];
}

/** What is probably not meant in a policy that can be used: rules that never decide, and what they name that is not there. */
export function policyWarnings(policy: Policy, around?: Surroundings): readonly Problem[] {
  const places = new Places(policy.files);
  const found = [
    ...beatenRules(policy.rules, places),
    ...(around ? policy.rules.flatMap((rule) => missing(rule, around, places)) : []),
  ];
  return found.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column));
}

const strength = { allow: 0, review: 1, deny: 2 } as const satisfies Readonly<Record<RuleSummary["effect"], number>>;

/** Rules that never decide anything, because wherever they match a stronger one does. */
function* beatenRules(rules: readonly RuleSummary[], places: Places): Iterable<Problem> {
  const claims = new Map(rules.map((rule) => [rule, claimOf(rule.condition)]));
  for (const rule of rules) {
    const stronger = rules.find((other) => strength[other.effect] > strength[rule.effect] && covers(other, rule, claims));
    if (stronger) {
      const message = `the rule ${rule.id} (${rule.effect}) never decides: wherever it matches, ${stronger.id} (${stronger.effect}) at ${stronger.file}:${stronger.line} matches too`;
      yield { ...places.ofRuleKey(rule, ["id"]), message };
    }
  }
}

function covers(by: RuleSummary, rule: RuleSummary, claims: ReadonlyMap<RuleSummary, Claim>): boolean {
  const [from, to] = [claims.get(rule), claims.get(by)];
  const applies = by.protocols.every((protocol) => rule.protocols.includes(protocol));
  return applies && coversResources(by.resources, rule.resources) && from !== undefined && to !== undefined && implies(from, to);
}

/** Whether every resource of one is certainly among those of the other. */
function coversResources(by: RuleSummary["resources"], those: RuleSummary["resources"]): boolean {
  if (by === undefined || by.includes("*")) return true;
  if (those === undefined) return false;
  return those.every(
    (selector) => by.includes(selector) || (isName(selector) && by.some((one) => selects(one, { name: selector, labels: {} }))),
  );
}

/** Neither a glob nor a label. */
function isName(selector: string): boolean {
  return !/[*?]/.test(selector) && !selector.startsWith("label:");
}

/** What a rule names that is not there. */
function missing(rule: RuleSummary, around: Surroundings, places: Places): readonly Problem[] {
  return [
    ...missingResources(rule, around, places),
    ...missingRoles(rule, around, places),
    ...missingPeople(rule, around, places),
  ];
}

function missingResources({ resources = [], ...rule }: RuleSummary, around: Surroundings, places: Places): readonly Problem[] {
  const names = around.resources.map(({ name }) => name);
  return resources.flatMap((selector, index) => {
    if (around.resources.some((resource) => selects(selector, resource))) return [];
    const hint = isName(selector) ? didYouMean(selector, names) : "";
    return { ...places.ofRuleKey(rule, ["resources", index]), message: `no configured resource matches ${selector}${hint}` };
  });
}

function missingRoles(rule: RuleSummary, around: Surroundings, places: Places): readonly Problem[] {
  const { role, resources = ["*"], protocols } = rule;
  if (role === undefined) return [];
  const about = around.resources.filter(
    (resource) =>
      resources.some((selector) => selects(selector, resource)) &&
      (protocols.length === 0 || protocols.some((name) => name === resource.type)),
  );
  const without = about.filter(({ roles }) => !roles.includes(role));
  if (without.length === 0) return [];
  const names = without.map(({ name }) => name).join(", ");
  const hint = didYouMean(role, [...new Set(without.flatMap(({ roles }) => roles))]);
  const message = `${names} ${without.length === 1 ? "has" : "have"} no role ${role}, so that the rule denies there${hint}`;
  return [{ ...places.ofRuleKey(rule, ["role"]), message }];
}

function missingPeople(rule: RuleSummary, { approvers: people }: Surroundings, places: Places): readonly Problem[] {
  return (rule.approval?.stages ?? []).flatMap(({ approvers, count }, index) => {
    const inStage = people.filter(({ name, groups }) =>
      approvers.some((one) => one === `user:${name}` || groups.some((group) => one === `group:${group}`)),
    );
    const at = (key: string | number, message: string): Problem => ({
      ...places.ofRuleKey(rule, ["approval", "stages", index, ...(typeof key === "number" ? ["approvers", key] : [key])]),
      message,
    });
    const absent = approvers.flatMap((one, position) => {
      const is = people.some(({ name, groups }) => one === `user:${name}` || groups.some((group) => one === `group:${group}`));
      return is ? [] : [at(position, one.startsWith("group:") ? `nobody is in ${one}` : `there is no approver ${one}`)];
    });
    if (absent.length > 0) return absent;
    return inStage.length < count ? [at("approvers", `${count} people have to agree, but only ${inStage.length} can`)] : [];
  });
}
