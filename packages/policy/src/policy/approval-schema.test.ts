import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy, unenforced } from "../policy.ts";
import { ask, policyOf, problemsOf } from "../testing-policy.ts";

beforeAll(loadParser);

const file = (approval: string) => `version: 1\nrules:\n  - id: a\n    effect: review\n    approval: ${approval}\n`;

describe("refused when the policy is loaded", () => {
  const stage = (rest: string) => file(`{ stages: [{ approvers: ['group:a'], ${rest} }] }`);
  test.each([
    [
      file("{ stages: [{ approvers: ['groups:dba'] }] }"),
      '5:40: expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"; did you mean "group:dba"?',
    ],
    [
      file("{ stages: [{ approvers: ['usr:x'] }] }"),
      '5:40: expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"; did you mean "user:x"?',
    ],
    [stage("escalate: []"), "5:62: escalate must hold at least one step; leave it out for none"],
    [stage("escalate: [{ after: 10m, to: [] }]"), '5:81: "to" must name at least one group or user'],
    [
      stage("escalate: [{ after: 10m, to: [x] }]"),
      '5:82: expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"; did you mean "group:x" or "user:x"?',
    ],
    [stage("escalate: [{ to: ['group:x'] }]"), '5:63: "after" is missing; expected a text'],
    [stage("escalate: [{ after: 1h, to: ['group:x'] }]"), "5:72: this is never reached: the request expires before it"],
    [
      stage("escalate: [{ after: 1m, to: ['group:x'] }, { after: 60s, to: ['group:y'] }]"),
      "5:104: two steps begin at the same time; join them",
    ],
    [stage("escalat: []"), '5:52: unknown key "escalat"; did you mean "escalate"?'],
    [
      file("{ stages: [{ approvers: ['group:a'] }], signature: passkeys }"),
      '5:66: found the text "passkeys", expected session or passkey; did you mean "passkey"?',
    ],
    [file("{ stages: [{ approvers: ['group:a'] }], grants: { maxUses: 0, maxTtl: 8h } }"), "5:74: maxUses must be at least 1"],
    [file("{ stages: [{ approvers: ['group:a'] }], grants: { maxUses: 2 } }"), '5:63: "maxTtl" is missing; expected a text'],
    [
      file("{ stages: [{ approvers: ['group:a'] }], expires: 10min }"),
      '5:64: "10min" is not a duration; expected something like "30s", "5m" or "1h"; did you mean "10m"?',
    ],
    [
      file("{ stages: [{ approvers: ['group:a'] }], expires: 2 hours }"),
      '5:64: "2 hours" is not a duration; expected something like "30s", "5m" or "1h"; did you mean "2h"?',
    ],
    [
      "version: 1\nrules: [{ id: a, effect: allw }]",
      '2:26: found the text "allw", expected allow or deny or review; did you mean "allow"?',
    ],
    [
      "version: 1\nrules: [{ id: a, effect: allow, limits: { bytes: 10mb } }]",
      '2:50: "10mb" is not a size; expected something like "10MB", "512KiB" or a number of bytes; did you mean "10MB"?',
    ],
  ])("%j", (text, expected) => {
    expect(problemsOf(text)).toBe(`p.yaml:${expected}`);
  });
});

test("escalation may name the people that a count needs", () => {
  expect(problemsOf(file("{ stages: [{ approvers: ['user:a'], count: 2, escalate: [{ after: 5m, to: ['user:b'] }] }] }"))).toBe(
    "accepted",
  );
});

test("of several reviews one passkey suffices, and grants need the leave of all", () => {
  const rule = (id: string, more: string) =>
    `${id} review role: writer; approval: { stages: [{ approvers: ['group:g'] }]${more} }`;
  const approval = (...rules: readonly string[]) => {
    const decision = ask(policyOf(...rules), "delete from t where id = 1");
    return decision.effect === "review" ? decision.approval : undefined;
  };
  const plain = approval(rule("a", ""), rule("b", ", signature: session"));
  expect(plain).not.toHaveProperty("signature");
  expect(plain).not.toHaveProperty("grants");
  expect(approval(rule("a", ""), rule("b", ", signature: passkey"))).toMatchObject({ signature: "passkey" });
  const many = rule("a", ", grants: { maxUses: 20, maxTtl: 1h }");
  expect(approval(many, rule("b", ", grants: { maxUses: 5, maxTtl: 8h }"))).toMatchObject({
    grants: { maxUses: 5, maxTtlMs: 3_600_000 },
  });
  expect(approval(many, rule("b", ""))).not.toHaveProperty("grants");
});

test("escalation is in the decision, earliest first", () => {
  const decision = ask(
    policyOf(
      "a review role: writer; approval: { stages: [{ approvers: ['group:g'], escalate: [{ after: 9m, to: ['group:b'] }, { after: 5m, to: ['group:a'] }] }] }",
    ),
    "delete from t",
  );
  expect(decision).toMatchObject({
    approval: {
      requirements: [
        {
          stages: [
            {
              escalate: [
                { afterMs: 300_000, to: ["group:a"] },
                { afterMs: 540_000, to: ["group:b"] },
              ],
            },
          ],
        },
      ],
    },
  });
});

describe("evidence", () => {
  const rule = (id: string, evidence: string) =>
    `${id} review role: writer; approval: { stages: [{ approvers: ['group:g'] }], ${evidence} }`;
  test.each([
    [["", "evidence: none"], undefined],
    [["evidence: none", "evidence: effect"], "effect"],
    [["evidence: plan", "evidence: effect"], "effect"],
    [["evidence: none", "evidence: none"], "none"],
    [["evidence: plan"], undefined],
  ])("of %j is the most that any rule asks for", (asked, expected) => {
    const decision = ask(policyOf(...asked.map((one, index) => rule(`r${index}`, one))), "delete from t");
    expect(decision).toMatchObject({ effect: "review" });
    expect(decision.effect === "review" && decision.approval.evidence).toBe(expected);
  });

  test("an unknown kind is an error with its place", () => {
    expect(() => loadPolicy({ "p.yaml": file("{ stages: [{ approvers: ['group:a'] }], evidence: all }") })).toThrow(/plan/);
  });
});

test("what this version does not enforce is told with its place", () => {
  const policy = loadPolicy({ "p.yaml": file("{ stages: [{ approvers: ['group:a'] }], signature: passkey }") });
  expect(unenforced(policy).refused).toMatchObject([
    { file: "p.yaml", line: 3, column: 9, message: expect.stringContaining("passkey") },
  ]);
  expect(unenforced(loadPolicy({ "p.yaml": file("{ stages: [{ approvers: ['group:a'] }] }") }))).toEqual({
    refused: [],
    warnings: [],
  });
});

describe("the role that the caller asked for", () => {
  const rules = policyOf(
    "a allow when: sql.readOnly; role: reader",
    "b allow when: role == 'writer' && sql.writes; role: writer",
  );
  test.each([
    ["select 1", undefined, "allow", undefined],
    ["select 1", "", "allow", undefined],
    ["select 1", "reader", "allow", undefined],
    ["select 1", "writer", "deny", "The role writer was asked for, but the rule a gives reader. Ask for that one."],
    ["delete from t", "writer", "allow", undefined],
    ["delete from t", undefined, "deny", "No rule allows this (DELETE on orders-db)."],
  ])("%s as %s → %s", (statement, role, effect, message) => {
    const decision = ask(rules, statement, role === undefined ? {} : { role });
    expect(decision.effect).toBe(effect);
    expect(decision.message).toBe(message);
  });

  test("it never chooses among several", () => {
    expect(ask(policyOf("a allow"), "select 1", { role: "reader" }).message).toMatch(/No rule \(a\) names a role/);
  });
});
