import { expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { comparePolicies } from "./compare.ts";

function direction(effect: string, before: string | undefined, after: string | undefined): string {
  const load = (when: string | undefined) => {
    const approval = effect === "review" ? ", approval: { stages: [{ approvers: [group:x] }] }" : "";
    const condition = when === undefined ? "" : `, when: ${JSON.stringify(when)}`;
    return loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: r, effect: ${effect}${approval}${condition} }]` });
  };
  const changes = comparePolicies(load(before), load(after));
  expect(changes.map(({ field }) => field)).toEqual(["when"]);
  return changes[0]?.direction ?? "";
}

const [a, b, c] = ["sql.readOnly", "sql.hasWhere", "sql.statements == 1"];

test.each([
  [a, `${a} && ${b}`, "tighter", "looser"],
  [`${a} && ${b}`, b, "looser", "tighter"],
  [`${b} && ${a} && ${c}`, `${c} && ${a}`, "looser", "tighter"],
  [a, `${a} || ${b}`, "looser", "tighter"],
  [`${a} || ${b} || ${c}`, `${c} || ${a}`, "tighter", "looser"],
  [`${a} && ${b}`, `${a} && ${c}`, "unknown", "unknown"],
  [a, `!${a}`, "unknown", "unknown"],
  [undefined, a, "tighter", "looser"],
  [a, undefined, "looser", "tighter"],
  // It was for every protocol, now it is for one.
  ['principal.subject == "x"', `principal.subject == "x" || ${a}`, "unknown", "unknown"],
])("from %s to %s: an allow gets %s, a deny %s, a review both or unknown", (before, after, allow, deny) => {
  expect(direction("allow", before, after)).toBe(allow);
  expect(direction("deny", before, after)).toBe(deny);
  expect(direction("review", before, after)).toBe(allow === "unknown" ? "unknown" : "both");
});

test("the texts on both sides are given as the files have them", () => {
  const load = (when: string) => loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: r, effect: deny, when: ${when} }]` });
  expect(comparePolicies(load("sql.readOnly"), load("sql.readOnly  &&  sql.hasWhere"))).toEqual([
    {
      ...{ kind: "changed", rules: ["r"], field: "when", direction: "looser" },
      ...{ before: "sql.readOnly", after: "sql.readOnly  &&  sql.hasWhere" },
      text: "the condition changed, it now holds for less",
    },
  ]);
});

const named = (variables: string, condition: string, other = "sql.readOnly"): ReturnType<typeof loadPolicy> =>
  loadPolicy({
    "p.yaml": `
version: 1
variables: ${variables}
conditions:
  inner: ${condition}
  outer: conditions.inner || sql.statements > variables.most
  other: ${other}
rules:
  - { id: a, effect: deny, when: conditions.outer }
  - { id: b, effect: deny, when: sql.writes && conditions.inner }
  - { id: c, effect: deny, when: conditions.other }
  - { id: d, effect: deny, when: sql.statements > variables.most }
`,
  });

test("a named condition or a variable is told once, with every rule that it reaches", () => {
  expect(comparePolicies(named("{ most: 5 }", "sql.hasWhere"), named("{ most: 6 }", "sql.ddl"))).toEqual([
    {
      ...{ kind: "variable", field: "most", rules: ["a", "d"], before: "5", after: "6", direction: "unknown" },
      text: "the variable most changed: 5 → 6",
    },
    {
      ...{ kind: "condition", field: "inner", rules: ["a", "b"], before: "sql.hasWhere", after: "sql.ddl", direction: "unknown" },
      text: "the condition inner changed",
    },
  ]);
  expect(comparePolicies(named("{ most: 5 }", "sql.ddl"), named("{ most: 5 }", "sql.ddl", "(sql.readOnly)"))).toEqual([]);
});

test("a variable that no condition uses makes no difference", () => {
  expect(comparePolicies(named("{ most: 5 }", "sql.ddl"), named("{ most: 5, other: 7 }", "sql.ddl"))).toEqual([]);
});
