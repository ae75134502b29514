import { expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { comparePolicies } from "./compare.ts";

const review = "approval: { stages: [{ approvers: [group:dba], count: 2 }] }";

/** The changes from one list of rules to another, as `direction rules: text`. */
function changes(before: string, after: string): readonly string[] {
  const load = (text: string) => loadPolicy({ "p.yaml": `version: 1\nrules:${text === "" ? " []" : `\n${text}`}` });
  return comparePolicies(load(before), load(after)).map(({ direction, rules, text }) => `${direction} ${rules.join()}: ${text}`);
}

const rule = (rest: string): string => `  - { id: r, ${rest} }`;

test("order, files, layout, comments, descriptions and names that stand for the same make no difference", () => {
  const before = loadPolicy({
    "a.yaml": `version: 1\nrules:\n  - { id: a, when: "sql.readOnly && sql.statements < 3", effect: allow, role: reader }\n  - { id: b, effect: deny }\n`,
  });
  const after = loadPolicy({
    "z/b.yaml": "version: 1\nrules:\n  # the last word\n  - id: b\n    effect: deny\n",
    "z/a.yaml": `
version: 1
variables: { most: 3 }
conditions:
  few: sql.statements < variables.most
rules:
  - id: a
    description: what reads
    role: reader
    effect: allow
    when: |
      // first of all
      (sql.readOnly)
        && conditions.few
`,
  });
  expect(comparePolicies(before, after)).toEqual([]);
  expect(comparePolicies(after, before)).toEqual([]);
});

test("rules that came, went or were renamed", () => {
  const allow = "{ id: a, when: sql.readOnly, effect: allow, role: reader, limits: { rows: 5, bytes: 10MB } }";
  expect(changes(`  - ${allow}`, "  - { id: b, effect: deny }")).toEqual([
    "tighter b: new rule: deny on all resources",
    "tighter a: the rule is gone: allow on all resources, as reader, at most rows 5, bytes 10MB",
  ]);
  expect(changes("  - { id: b, effect: deny }", `  - ${allow}`).map((text) => text.split(":")[0])).toEqual([
    "looser a",
    "looser b",
  ]);
  expect(changes("", `  - { id: c, resources: [x], effect: review, ${review} }`)).toEqual([
    "both c: new rule: review on x, approved by 2 of group:dba",
  ]);
  expect(changes(`  - ${allow}`, `  - ${allow.replace("id: a", "id: z")}`)).toEqual(["none z: renamed; it was a"]);
  // Not renamed: it means something else.
  expect(changes(`  - ${allow}`, `  - ${allow.replace("id: a", "id: z").replace("sql.readOnly", "sql.writes")}`)).toHaveLength(2);
});

const approval = (rest: string): string => rule(`effect: review, approval: { ${rest} }`);
const one = "stages: [{ approvers: [group:dba] }]";

test.each([
  [rule("effect: allow"), rule("effect: deny"), "tighter r: effect allow → deny"],
  [rule("effect: deny"), rule("effect: allow"), "looser r: effect deny → allow"],
  [rule("effect: allow"), rule(`effect: review, ${review}`), "both r: effect allow → review"],
  [rule("effect: allow, opaque: true"), rule(`effect: review, ${review}`), "tighter r: effect allow → review"],
  [rule(`effect: review, ${review}`), rule("effect: allow"), "both r: effect review → allow"],
  [rule(`effect: review, ${review}`), rule("effect: allow, opaque: true"), "looser r: effect review → allow"],
  [rule("effect: allow, role: a"), rule("effect: allow, role: b"), "unknown r: role a → b"],
  [rule("effect: allow, opaque: true"), rule("effect: allow"), "tighter r: no longer covers what is not fully understood"],
  [rule("effect: allow"), rule("effect: allow, opaque: true"), "looser r: now covers what is not fully understood"],
  [rule("effect: deny"), rule("effect: deny, message: Ask."), 'none r: what the agent is told none → "Ask."'],
  [rule("effect: allow, limits: { rows: 5 }"), rule("effect: allow, limits: { rows: 6 }"), "looser r: rows limit 5 → 6"],
  [rule("effect: allow, limits: { time: 5m }"), rule("effect: allow"), "looser r: time limit 5m → none"],
  [rule("effect: allow"), rule("effect: allow, limits: { bytes: 5kB }"), "tighter r: bytes limit none → 5kB"],
  [rule("effect: allow, resources: [a]"), rule("effect: allow, resources: [a, b]"), "looser r: resources a → a, b"],
  [rule("effect: allow"), rule("effect: allow, resources: [a]"), "tighter r: resources all → a"],
  [rule("effect: deny, resources: [a]"), rule("effect: deny"), "tighter r: resources a → all"],
  [rule("effect: deny, resources: [a]"), rule("effect: deny, resources: [b]"), "unknown r: resources a → b"],
  [rule(`effect: review, ${review}`), rule(`effect: review, resources: [b], ${review}`), "both r: resources all → b"],
  [
    approval(one),
    approval("stages: [{ approvers: [group:dba], count: 2 }]"),
    "tighter r: now needs 2 people of group:dba (was 1)",
  ],
  [
    approval("stages: [{ approvers: [group:dba], count: 3 }]"),
    approval(one),
    "looser r: now needs 1 person of group:dba (was 3)",
  ],
  [approval(one), approval("stages: [{ approvers: [user:a, group:dba] }]"), "looser r: user:a may now approve"],
  [approval("stages: [{ approvers: [user:a, group:dba] }]"), approval(one), "tighter r: user:a may no longer approve"],
  [
    approval(one),
    approval("stages: [{ approvers: [user:a] }]"),
    "both r: user:a may now approve, group:dba may no longer approve",
  ],
  [
    approval(one),
    approval("stages: [{ approvers: [group:x] }, { approvers: [group:dba] }]"),
    "tighter r: now needs 1 of group:x, then 1 of group:dba (was 1 of group:dba)",
  ],
  [
    approval("stages: [{ approvers: [group:x] }, { approvers: [group:dba] }]"),
    approval("stages: [{ approvers: [group:y] }]"),
    "unknown r: now needs 1 of group:y (was 1 of group:x, then 1 of group:dba)",
  ],
  [
    approval(one),
    approval("stages: [{ approvers: [group:dba], escalate: [{ after: 10m, to: [group:x] }] }]"),
    "looser r: escalation none → after 10m to group:x",
  ],
  [approval(one), approval(`${one}, expires: 30m`), "tighter r: may wait 30m (was 1h)"],
  [approval(one), approval(`${one}, validFor: 1h`), "looser r: must start after its approval within 1h (was 5m)"],
  [approval(one), approval(`${one}, signature: passkey`), "tighter r: votes are signed with a passkey (was a session)"],
  [approval(`${one}, justification: required`), approval(one), "looser r: the agent need no longer give a reason"],
  [approval(one), approval(`${one}, grants: { maxUses: 5, maxTtl: 8h }`), "looser r: grants none → 5 uses, 8h"],
  [
    approval(`${one}, grants: { maxUses: 5, maxTtl: 8h }`),
    approval(`${one}, grants: { maxUses: 9, maxTtl: 1h }`),
    "both r: grants 5 uses, 8h → 9 uses, 1h",
  ],
  [
    approval(one),
    approval(`${one}, breakGlass: { approvers: [user:erin] }`),
    "looser r: alone in an emergency: nobody → user:erin, reviewed within 1d",
  ],
  [
    approval(`${one}, breakGlass: { approvers: [user:erin, group:oncall] }`),
    approval(`${one}, breakGlass: { approvers: [user:erin], reviewWithin: 2h }`),
    "tighter r: alone in an emergency: group:oncall, user:erin, reviewed within 1d → user:erin, reviewed within 2h",
  ],
  [approval(one), approval(`${one}, evidence: effect`), "unknown r: before a vote, effect is found out (was plan)"],
  [approval(one), approval(`${one}, evidence: none`), "none r: before a vote, none is found out (was plan)"],
])("%s → %s", (before, after, expected) => {
  expect(changes(before, after)).toEqual([expected]);
});

test("several things at once are told one by one", () => {
  expect(
    changes(rule("effect: allow, role: a, limits: { rows: 5 }"), rule("effect: allow, role: b, limits: { rows: 4, time: 1s }")),
  ).toEqual(["unknown r: role a → b", "tighter r: rows limit 5 → 4", "tighter r: time limit none → 1s"]);
});
