import { describe, expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { policyWarnings, type Surroundings } from "./warnings.ts";

const around: Surroundings = {
  resources: [
    { name: "orders-db", type: "postgres", labels: { env: "prod" }, roles: ["reader", "writer"] },
    { name: "users-db", type: "postgres", labels: {}, roles: ["reader"] },
    { name: "web-1", type: "ssh", labels: {}, roles: ["deploy"] },
  ],
  approvers: [
    { name: "alice", groups: ["dba", "leads"] },
    { name: "bob", groups: ["dba"] },
  ],
};

function warnings(rules: string, surroundings?: Surroundings): string[] {
  const text = `version: 1\nrules:\n${rules}`;
  return policyWarnings(loadPolicy({ "p.yaml": text }), surroundings).map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );
}

const rule = (id: string, effect: string, more = ""): string =>
  `  - { id: ${id}, effect: ${effect}${more === "" ? "" : `, ${more}`} }\n`;
const approval = "approval: { stages: [{ approvers: [user:alice] }] }";

describe("rules that never decide", () => {
  test("say which rule beats them, and where that is", () => {
    expect(warnings(rule("a", "allow", "when: sql.writes && sql.hasWhere") + rule("b", "deny", "when: sql.writes"))).toEqual([
      "3:11 the rule a (allow) never decides: wherever it matches, b (deny) at p.yaml:4 matches too",
    ]);
  });

  test.each([
    ["the same condition", "when: sql.ddl", "when: sql.ddl"],
    ["none", "when: sql.ddl", ""],
    ["a constant one", "", 'when: "true"'],
    [
      "fewer things asked",
      "when: \"sql.ddl && (sql.writes || sql.opaque) && reason == ''\"",
      'when: "(sql.writes || sql.opaque) && sql.ddl"',
    ],
    ["more choices", "when: sql.ddl", "when: sql.writes || sql.ddl"],
    ["each choice covered", "when: sql.ddl || sql.writes", "when: sql.writes || sql.ddl || sql.opaque"],
    ["another layout", 'when: "sql.statements  ==  1"', "when: sql.statements == 1"],
    ["a resource by glob", "resources: [orders-db]", 'resources: ["orders-*"]'],
    ["the same label", 'resources: ["label:env=prod"]', 'resources: [x, "label:env=prod"]'],
    ["all resources", 'resources: ["label:env=prod"]', 'resources: ["*"]'],
  ])("an allow beaten by %s", (_, allow, deny) => {
    expect(warnings(rule("a", "allow", allow) + rule("b", "deny", deny))).toHaveLength(1);
    expect(warnings(rule("a", "review", [allow, approval].filter(Boolean).join(", ")) + rule("b", "deny", deny))).toHaveLength(1);
    // The stronger one does decide.
    expect(warnings(rule("a", "deny", allow) + rule("b", "allow", deny)).join()).not.toContain("rule a");
  });

  test.each([
    ["a condition that asks for more", "when: sql.ddl", "when: sql.ddl && sql.writes"],
    ["fewer choices", "when: sql.ddl || sql.writes", "when: sql.ddl"],
    ["another condition", "when: sql.ddl", "when: sql.writes"],
    ["a contrary condition", "when: sql.ddl", 'when: "!sql.ddl"'],
    ["other resources", "resources: [orders-db]", "resources: [users-db]"],
    ["fewer resources", "", "resources: [users-db]"],
    ["a label that a name may not have", "resources: [orders-db]", 'resources: ["label:env=prod"]'],
    ["one type of operation", "when: \"reason == ''\"", "when: \"reason == '' || sql.ddl\""],
  ])("an allow is not beaten by %s", (_, allow, deny) => {
    expect(warnings(rule("a", "allow", allow) + rule("b", "deny", deny))).toEqual([]);
  });

  test("a rule of the same effect beats none", () => {
    expect(warnings(rule("a", "deny", "when: sql.ddl") + rule("b", "deny"))).toEqual([]);
  });
});

describe("what is named and not there", () => {
  test("is no question without a configuration", () => {
    expect(warnings(rule("a", "allow", "resources: [nope]"))).toEqual([]);
  });

  test.each([
    ["resources: [order-db, orders-db]", '3:41 no configured resource matches order-db; did you mean "orders-db"?'],
    ['resources: ["x-*"]', "3:41 no configured resource matches x-*"],
    ['resources: ["label:env=dev"]', "3:41 no configured resource matches label:env=dev"],
    ["when: sql.writes, role: writer", "3:53 users-db has no role writer, so that the rule denies there"],
    [
      "resources: [users-db], role: redaer",
      '3:58 users-db has no role redaer, so that the rule denies there; did you mean "reader"?',
    ],
  ])("%s", (more, expected) => {
    expect(warnings(rule("a", "allow", more), around)).toEqual([expected]);
  });

  test.each([
    ["resources: [orders-db, 'users-*', 'label:env=prod']"],
    ["resources: [orders-db], role: writer"],
    ["when: ssh.opaque, role: deploy"],
  ])("%s is all there", (more) => {
    expect(warnings(rule("a", "allow", more), around)).toEqual([]);
  });

  test("people who are asked", () => {
    const stages = (text: string): string => rule("a", "review", `approval: { stages: [${text}] }`);
    expect(warnings(stages("{ approvers: [group:dba], count: 2 }, { approvers: [user:alice] }"), around)).toEqual([]);
    expect(
      warnings(stages("{ approvers: [group:dbas, user:carol, user:bob] }"), around).map((one) => one.replace(/^\S+ /, "")),
    ).toEqual(["nobody is in group:dbas", "there is no approver user:carol"]);
    expect(warnings(stages("{ approvers: [group:leads, group:dba], count: 3 }"), around)).toEqual([
      "3:64 3 people have to agree, but only 2 can",
    ]);
  });
});
