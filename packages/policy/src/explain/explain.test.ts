import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { loadPolicy } from "../policy.ts";
import type { Asking } from "./asking.ts";
import { explainOperation } from "./explain.ts";
import type { ConditionPart, ExplainedRule, Explanation } from "./explanation.ts";

beforeAll(loadParser);

function asking(statement: string, more: Partial<Asking> = {}): Asking {
  return {
    operation: { kind: "postgres.query", statement, parameters: [] },
    resource: "orders-db",
    labels: { env: "prod" },
    roles: ["reader", "writer"],
    searchPath: ["public"],
    principal: { issuer: "unix", subject: "agent", groups: ["ops"], claims: { team: "payments" } },
    reason: "",
    nowMs: Date.UTC(2026, 0, 31),
    ...more,
  };
}

/** One rule with a condition, alone in its file. */
function explained(when: string, statement = "select * from orders", effect = "deny", more: Partial<Asking> = {}): ExplainedRule {
  const text = `version: 1\nrules:\n  - id: r\n    effect: ${effect}\n    when: |\n      ${when.replaceAll("\n", "\n      ")}\n`;
  const [rule] = explainOperation(loadPolicy({ "p.yaml": text }), asking(statement, more)).examined;
  if (!rule) throw new Error("no rule");
  return rule;
}

/** `and(true sql.readOnly*, false sql.writes)`; a star marks what decided. */
function shape(part: ConditionPart | undefined): string {
  if (!part) return "";
  const star = part.decisive ? "*" : "";
  if (!part.parts) return `${part.state} ${part.text}${star}`;
  return `${part.state} ${part.kind}${star}(${part.parts.map(shape).join(", ")})`;
}

describe("what decided a condition", () => {
  test.each([
    ["sql.writes", "false sql.writes*", "sql.writes is false"],
    ["!sql.readOnly", "false not*(true sql.readOnly*)", "sql.readOnly is true"],
    [
      "sql.readOnly && sql.ddl && sql.writes",
      "false and*(true sql.readOnly, false sql.ddl*, skipped sql.writes)",
      "sql.ddl is false",
    ],
    [
      "(sql.ddl || sql.readOnly) && !(sql.writes)",
      "true and*(true or*(false sql.ddl, true sql.readOnly*), true not*(false sql.writes*))",
      "sql.readOnly is true; sql.writes is false",
    ],
    ["sql.ddl || sql.writes", "false or*(false sql.ddl*, false sql.writes*)", "sql.ddl is false; sql.writes is false"],
    [
      "sql.readOnly ? sql.ddl : sql.writes",
      "false choice*(true sql.readOnly*, false sql.ddl*, skipped sql.writes)",
      "sql.readOnly is true; sql.ddl is false",
    ],
    ["sql.statements == 2", "false sql.statements == 2*", "sql.statements == 2 is false (sql.statements = 1)"],
  ])("%s", (when, expected, because) => {
    const { condition, because: said } = explained(when);
    expect(shape(condition)).toBe(expected);
    expect(said).toBe(because);
  });

  test("an error is one, unless what follows decides without it", () => {
    const failed = explained('resource.labels.tier == "gold" && sql.readOnly');
    expect(failed).toMatchObject({ result: "failed", decided: true });
    expect(failed.because).toBe(
      'resource.labels.tier == "gold" cannot be evaluated: No such key: tier (resource.labels.tier is not there)',
    );
    expect(shape(failed.condition)).toMatch(/^error and\*\(error resource\S+ == "gold"\*, true sql.readOnly\)$/);
    const absorbed = explained('resource.labels.tier == "gold" && sql.writes');
    expect(absorbed).toMatchObject({ result: "not_matched", decided: false, because: "sql.writes is false" });
  });
});

describe("loops", () => {
  const statement = "select * from a, secret.keys, b";

  test("name the element that decided", () => {
    const { condition, because } = explained('sql.tables.exists(t, t.startsWith("secret.") || t == "x")', statement);
    expect(condition).toMatchObject({ kind: "loop", state: "true", element: { name: "t", value: "secret.keys" } });
    expect(shape(condition?.parts?.[0])).toBe('true or*(true t.startsWith("secret.")*, skipped t == "x")');
    expect(because).toContain('(t = "secret.keys", sql.tables = ["public.a","public.b","secret.keys"])');
    const all = explained('sql.tables.all(t, t.startsWith("public."))', statement);
    expect(all).toMatchObject({ result: "not_matched", condition: { element: { value: "secret.keys" } } });
  });

  test("say so where no element alone decided", () => {
    const none = explained('sql.tables.exists(t, t == "x")');
    expect(none.because).toBe('sql.tables.exists(t, t == "x") is false for every element (sql.tables = ["public.orders"])');
    expect(none.condition?.element).toBeUndefined();
    expect(explained('sql.tables.all(t, t != "x")').because).toContain("is true for every element");
  });

  test("may be nested, go over mappings, and stop at an element that cannot be evaluated", () => {
    const nested = explained("sql.tables.exists(t, sql.reads.exists(r, r == t))", statement);
    expect(nested.condition?.parts?.[0]).toMatchObject({ kind: "loop", element: { name: "r", value: "public.a" } });
    expect(nested.condition?.parts?.[0]?.seen).toContainEqual({ name: "t", value: "public.a" });
    expect(explained('resource.labels.exists(k, k == "env")').condition?.element).toEqual({ name: "k", value: "env" });
    expect(explained("sql.tables.exists(t, principal.claims[t] == 1)").condition).toMatchObject({
      state: "error",
      element: { value: "public.orders" },
    });
  });

  test("regular expressions inside them stay linear", () => {
    const before = performance.now();
    const { condition } = explained(
      `sql.tables.exists(t, sql.text.matches("'(a+)+$"))`,
      `select '${"a".repeat(50_000)}!' from t`,
    );
    expect(condition).toMatchObject({ state: "false" });
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe("what a condition looked at", () => {
  test("values as the caller, the target and the facts have them", () => {
    const { condition } = explained(
      'has(principal.claims.team) && "ops" in principal.groups && now > timestamp("2020-01-01T00:00:00Z") && resource.labels["env"] == "x"',
    );
    expect(condition?.parts?.map(({ seen }) => seen)).toEqual([
      [{ name: "principal.claims.team", value: "payments" }],
      [{ name: "principal.groups", value: ["ops"] }],
      [{ name: "now", value: "2026-01-31T00:00:00.000Z" }],
      [{ name: 'resource.labels["env"]', value: "prod" }],
    ]);
  });

  test("long values are cut, and say how long they were", () => {
    const columns = Array.from({ length: 30 }, (_, index) => `t${String(index).padStart(2, "0")}`);
    const { condition } = explained(
      'sql.tables.size() > 99 || sql.text == "x"',
      `select '${"é".repeat(300)}' from ${columns.join()}`,
    );
    const [tables, text] = condition?.parts ?? [];
    expect(tables?.seen).toMatchObject([{ size: 30, value: { length: 10 } }]);
    expect(text?.seen?.[0]?.size).toBeGreaterThan(300);
    expect(String(text?.seen?.[0]?.value)).toHaveLength(201);
  });

  test("not the elements of loops inside it, which have no one value", () => {
    const { condition } = explained("sql.tables.filter(t, t != reason).size() == 1");
    expect(condition?.seen?.map(({ name }) => name)).toEqual(["sql.tables", "reason"]);
  });
});

test("every part says where it stands", () => {
  const text = [
    "version: 1",
    "rules:",
    '  - {id: a, effect: deny, when: "sql.writes || sql.ddl"}',
    "  - id: b",
    "    effect: deny",
    "    when: |",
    "      sql.readOnly &&",
    "        (sql.ddl",
    "          || sql.writes)",
    "",
  ].join("\n");
  const [a, b] = explainOperation(loadPolicy({ "x/p.yaml": text }), asking("select 1")).examined;
  const at = ({ text: source, file, line, column }: ConditionPart): string => `${file}:${line}:${column} ${source}`;
  expect(a?.condition?.parts?.map(at)).toEqual(["x/p.yaml:3:34 sql.writes", "x/p.yaml:3:48 sql.ddl"]);
  expect(b?.condition?.parts?.[1]?.parts?.map(at)).toEqual(["x/p.yaml:8:10 sql.ddl", "x/p.yaml:9:14 sql.writes"]);
  expect(b?.reasons.map(({ line, says }) => `${line} ${says}`)).toEqual(["8 sql.ddl is false", "9 sql.writes is false"]);
});

describe("what became of every rule", () => {
  const policy = loadPolicy({
    "p.yaml": `version: 1
rules:
  - { id: about-others, resources: ["users-*"], effect: deny }
  - { id: dangerous, effect: deny, when: 'sql.kinds.exists(k, k == "DROP")', message: Never. }
  - { id: of-ssh, effect: allow, when: ssh.opaque }
  - { id: reads, effect: allow, when: sql.readOnly, role: reader }
  - { id: unseen, effect: allow, when: "true", role: reader }
`,
  });
  const results = ({ examined }: Explanation): string[] =>
    examined.map(({ id, result, decided }) => `${id} ${result}${decided ? " decided" : ""}`);

  test("in the order of their ids", () => {
    const explanation = explainOperation(policy, asking("select 1"));
    expect(explanation).toMatchObject({ effect: "allow", rules: ["reads", "unseen"], role: "reader", opaque: false, parts: [] });
    expect(results(explanation)).toEqual([
      "about-others other_resource",
      "dangerous not_matched",
      "of-ssh other_protocol",
      "reads matched decided",
      "unseen matched decided",
    ]);
    expect(explanation.examined.map(({ because }) => because)).toEqual([
      "it is about users-*",
      'sql.kinds.exists(k, k == "DROP") is false for every element (sql.kinds = ["SELECT"])',
      "it is about ssh",
      "sql.readOnly is true",
      "true is true",
    ]);
  });

  test("an allow that does not cover what is opaque says so", () => {
    const explanation = explainOperation(policy, asking("select unknown_function()"));
    expect(explanation).toMatchObject({
      effect: "deny",
      rules: [],
      opaque: true,
      doubts: [expect.stringContaining("unknown_function")],
    });
    expect(explanation.examined.find(({ id }) => id === "unseen")).toMatchObject({
      result: "opaque",
      decided: false,
      because: expect.stringContaining("opaque: true"),
    });
  });

  test("several statements: the whole, and each alone", () => {
    const explanation = explainOperation(policy, asking("select 1; drop table x"));
    expect(explanation).toMatchObject({ effect: "deny", rules: ["dangerous"] });
    expect(explanation.facts).not.toHaveProperty("parts");
    expect(results(explanation)).toContain("unseen only_parts_count");
    expect(explanation.parts.map(({ effect, rules }) => [effect, rules])).toEqual([
      ["allow", ["reads", "unseen"]],
      ["deny", ["dangerous"]],
    ]);
    expect(explanation.parts[1]?.examined.find(({ id }) => id === "dangerous")).toMatchObject({ decided: true });
  });

  test("what classification refuses is denied, and no rule is asked", () => {
    expect(explainOperation(policy, asking("selec 1"))).toMatchObject({
      effect: "deny",
      rules: [],
      opaque: true,
      facts: null,
      error: { code: "invalid_operation" },
      message: expect.stringContaining("syntax error"),
      examined: [],
    });
  });

  test("it survives JSON unchanged", () => {
    const explanation = explainOperation(policy, asking("select 1; drop table x"));
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  });
});

describe("what is left open", () => {
  const policy = loadPolicy({
    "p.yaml": `version: 1
rules:
  - { id: a, resources: ["label:env=dev"], effect: allow, when: sql.readOnly, role: reader }
  - { id: b, resources: [users-db], effect: allow, when: sql.writes && !sql.opaque }
  - { id: c, resources: [x], effect: deny, when: sql.ddl }
`,
  });
  const open = (statement: string, role?: string) => {
    const { resource: _, roles: __, ...rest } = asking(statement);
    return explainOperation(policy, { ...rest, ...(role === undefined ? {} : { role }) });
  };

  test("without a resource every rule is looked at, and whatever role it names is there", () => {
    expect(open("select 1")).toMatchObject({ effect: "allow", rules: ["a"], role: "reader" });
    expect(open("drop table t")).toMatchObject({ effect: "deny", rules: ["c"] });
  });

  test("where no rule names a role, none is told", () => {
    expect(open("delete from t")).toMatchObject({ effect: "allow", rules: ["b"] });
    expect(open("delete from t")).not.toHaveProperty("role");
    expect(open("delete from t", "writer")).toMatchObject({ effect: "allow", role: "writer" });
    expect(open("select 1", "writer")).toMatchObject({
      effect: "deny",
      message: expect.stringContaining("writer was asked for"),
    });
  });

  test("with a resource its selectors and roles count", () => {
    const target = { resource: "users-db", labels: {}, roles: ["reader", "writer"] };
    expect(explainOperation(policy, asking("select 1", target))).toMatchObject({ effect: "deny", rules: [] });
    expect(explainOperation(policy, asking("delete from t", target))).toMatchObject({
      effect: "deny",
      rules: ["b"],
      message: expect.stringContaining("names a role"),
    });
  });
});
