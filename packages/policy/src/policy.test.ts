import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./facts/postgres/parser.ts";
import { classify } from "./facts.ts";
import { loadPolicy, type Policy, type Question } from "./policy.ts";
import { PolicyError } from "./problem.ts";

beforeAll(loadParser);

const starter = `
version: 1
rules:
  - id: reads-are-free
    resources: [orders-db]
    when: sql.readOnly && !sql.tables.exists(t, t.startsWith("secret."))
    effect: allow
    role: reader
    limits: { rows: 1000, bytes: 10MB, time: 30s }
  - id: writes-need-a-human
    resources: ["orders-*"]
    when: sql.writes
    effect: review
    role: writer
    approval:
      stages:
        - approvers: ["group:dba-oncall"]
          count: 1
      expires: 1h
      validFor: 5m
      signature: session
      justification: required
  - id: never
    when: sql.kinds.exists(k, k in ["DROP", "ALTER SYSTEM"]) || sql.functions.exists(f, f == "pg_read_file")
    effect: deny
    message: Ask the platform team.
`;

interface Asked extends Partial<Omit<Question, "resource" | "facts">> {
  readonly resource?: Partial<Question["resource"]>;
}

function ask(policy: Policy, statement: string, asked: Asked = {}) {
  const { resource, ...rest } = asked;
  return policy.decide({
    resource: { name: "orders-db", type: "postgres", labels: {}, roles: ["reader", "writer"], ...resource },
    principal: { issuer: "i", subject: "agent-1", groups: [], claims: {} },
    facts: classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] }),
    reason: "because",
    nowMs: 1_764_000_000_000,
    ...rest,
  });
}

/** A policy of rules given in short: `id effect [other lines]`. */
function policy(...rules: readonly string[]): Policy {
  const approval = "approval: { stages: [{ approvers: ['group:dba'] }] }";
  const texts = rules.map((rule) => {
    const [id, effect, ...others] = rule.split(/ (?=\S)/);
    const lines = others
      .join(" ")
      .split("; ")
      .filter((line) => line !== "");
    if (effect === "review" && !rule.includes("approval:")) lines.push(approval);
    return [`  - id: ${id}`, `effect: ${effect}`, ...lines].join("\n    ");
  });
  return loadPolicy({ "policy.yaml": `version: 1\nrules:\n${texts.join("\n") || "  []"}\n` });
}

describe("the example of the design", () => {
  const example = () => loadPolicy({ "policy.yaml": starter });

  test("reads run with the reader's role and limits", () => {
    expect(ask(example(), "select * from orders")).toEqual({
      effect: "allow",
      rules: ["reads-are-free"],
      policyDigest: example().digest,
      role: "reader",
      limits: { rows: 1000, bytes: 10_000_000, timeMs: 30_000 },
    });
  });

  test("writes wait for a person", () => {
    expect(ask(example(), "delete from orders where id = 1")).toEqual({
      effect: "review",
      rules: ["writes-need-a-human"],
      policyDigest: example().digest,
      role: "writer",
      limits: {},
      approval: {
        requirements: [{ rule: "writes-need-a-human", stages: [{ approvers: ["group:dba-oncall"], count: 1 }] }],
        expiresMs: 3_600_000,
        validForMs: 300_000,
        justification: "required",
      },
    });
  });

  test("never means never, and the agent is told why", () => {
    expect(ask(example(), "drop table orders")).toMatchObject({
      effect: "deny",
      rules: ["never"],
      message: "Denied by the rule never: Ask the platform team.",
    });
    expect(ask(example(), "select 1; drop table orders")).toMatchObject({ effect: "deny", rules: ["never"] });
  });

  test("a secret table and another resource are denied by default", () => {
    expect(ask(example(), "select * from secret.keys")).toMatchObject({
      effect: "deny",
      rules: [],
      message: "No rule allows this (SELECT on orders-db).",
    });
    expect(ask(example(), "select 1", { resource: { name: "other" } })).toMatchObject({ effect: "deny", rules: [] });
  });

  test("what is not understood is held for a person", () => {
    expect(ask(example(), "select f()")).toMatchObject({ effect: "review", rules: ["writes-need-a-human"] });
  });

  test.each(["", "  \n"])("a required justification must not be empty: %j", (reason) => {
    const decision = ask(example(), "delete from orders where id = 1", { reason });
    expect(decision).toMatchObject({ effect: "deny", rules: ["writes-need-a-human"] });
    expect(decision.message).toMatch(/asks for a reason/);
  });
});

describe("decide", () => {
  test("an empty policy denies everything", () => {
    expect(ask(policy(), "select 1")).toMatchObject({
      effect: "deny",
      rules: [],
      message: "No rule allows this (SELECT on orders-db).",
    });
  });

  test("deny beats review beats allow", () => {
    const all = ["a allow role: reader", "b review role: reader", "c deny", "d deny message: no"];
    expect(ask(policy(...all), "select 1")).toMatchObject({
      effect: "deny",
      rules: ["c", "d"],
      message: "Denied by the rule c. Denied by the rule d: no",
    });
    expect(ask(policy(...all.slice(0, 2)), "select 1")).toMatchObject({ effect: "review", rules: ["b"] });
    expect(ask(policy(...all.slice(0, 1)), "select 1")).toMatchObject({ effect: "allow", rules: ["a"] });
  });

  test("a rule that cannot be evaluated denies and says so, whatever else matches", () => {
    const decision = ask(policy("a allow role: reader", 'b allow when: resource.labels.env == "dev"'), "select 1");
    expect(decision).toMatchObject({ effect: "deny", rules: ["b"] });
    expect(decision.message).toMatch(/rule b could not be evaluated, so it denies: No such key: env/);
  });

  test("a rule for other resources is not evaluated", () => {
    expect(
      ask(policy("a allow role: reader", 'b deny when: resource.labels.env == "dev"; resources: [other]'), "select 1").effect,
    ).toBe("allow");
  });

  test("an allow does not see an opaque operation unless it says so", () => {
    const refused = ask(policy("a allow role: reader"), "select f()");
    expect(refused).toMatchObject({ effect: "deny", rules: [] });
    expect(refused.message).toMatch(/\(a\) does not cover what is not fully understood.*public\.f/);
    expect(ask(policy("a allow role: reader", "b allow role: reader; opaque: true"), "select f()")).toMatchObject({
      effect: "allow",
      rules: ["b"],
    });
    expect(ask(policy("a allow role: reader", "b review role: reader"), "select f()")).toMatchObject({
      effect: "review",
      rules: ["b"],
    });
    expect(ask(policy("a allow role: reader; opaque: false"), "select f()").effect).toBe("deny");
    expect(ask(policy("a allow when: sql.readOnly; role: reader"), "select f()").message).toMatch(/not fully understood/);
  });

  test("every matching review must be satisfied; times and limits are the strictest", () => {
    const decision = ask(
      policy(
        "a review limits: { rows: 10, time: 1m }; approval: { stages: [{ approvers: ['user:x'] }], expires: 2h, validFor: 1m }",
        "b review role: writer; limits: { rows: 5, bytes: 1kB }; approval: { stages: [{ approvers: ['group:y'], count: 2 }], expires: 1h, validFor: 2m, justification: required }",
      ),
      "delete from t",
    );
    expect(decision).toMatchObject({
      effect: "review",
      rules: ["a", "b"],
      role: "writer",
      limits: { rows: 5, bytes: 1000, timeMs: 60_000 },
      approval: {
        requirements: [
          { rule: "a", stages: [{ approvers: ["user:x"], count: 1 }] },
          { rule: "b", stages: [{ approvers: ["group:y"], count: 2 }] },
        ],
        expiresMs: 3_600_000,
        validForMs: 60_000,
        justification: "required",
      },
    });
  });

  test("pg-multi: every statement is decided alone; the strictest counts, and all that is asked is asked", () => {
    const rules = policy(
      "reads allow when: '!sql.writes && !sql.tables.exists(t, t.startsWith(\"secret.\"))'; role: app; limits: { rows: 10 }",
      "writes review when: sql.writes; role: app; limits: { rows: 20 }",
      'both review when: \'"DELETE" in sql.kinds && "INSERT" in sql.kinds\'; role: app',
      "many deny when: sql.statements > 3",
    );
    const asked: Asked = { resource: { roles: ["app"] } };
    expect(ask(rules, "select 1; select 2", asked)).toMatchObject({ effect: "allow", rules: ["reads"] });
    expect(ask(rules, "select 1; delete from t", asked)).toMatchObject({
      effect: "review",
      rules: ["reads", "writes"],
      limits: { rows: 10 },
    });
    expect(ask(rules, "delete from t; select * from secret.keys", asked)).toMatchObject({ effect: "deny", rules: [] });
    expect(ask(rules, "delete from t; insert into t values (1)", asked)).toMatchObject({
      effect: "review",
      rules: ["both", "writes"],
    });
    expect(ask(rules, "select 1; select 2; select 3; select 4", asked)).toMatchObject({ effect: "deny", rules: ["many"] });
    const two = policy("reads allow when: sql.readOnly; role: reader", "writes review when: sql.writes; role: writer");
    expect(ask(two, "select 1; delete from t").message).toMatch(/name different roles \(reader, writer\)/);
  });

  test("the role: one name, or the resource's only one", () => {
    const two = ask(policy("a allow role: reader", "b allow role: writer"), "select 1");
    expect(two).toMatchObject({
      effect: "deny",
      rules: ["a", "b"],
      message: "The rules a, b name different roles (reader, writer); only one can be used.",
    });
    expect(ask(policy("a allow", "b allow role: writer"), "select 1")).toMatchObject({ effect: "allow", role: "writer" });
    expect(ask(policy("a allow"), "select 1", { resource: { roles: ["only"] } })).toMatchObject({
      effect: "allow",
      role: "only",
    });
    expect(ask(policy("a allow"), "select 1").message).toMatch(
      /No rule \(a\) names a role, and orders-db has several \(reader, writer\)/,
    );
    expect(ask(policy("a allow"), "select 1", { resource: { roles: [] } }).message).toMatch(/orders-db has none/);
    expect(ask(policy("a allow role: admin"), "select 1")).toMatchObject({
      effect: "deny",
      message: "The rule a names the role admin, which orders-db does not have.",
    });
    expect(ask(policy("a allow role: reader", "b review role: writer"), "select 1")).toMatchObject({
      effect: "review",
      role: "writer",
    });
  });

  test("principal, time, reason and labels count", () => {
    const rules = policy(
      'a allow role: reader; when: \'"ops" in principal.groups && now < timestamp("2026-01-01T00:00:00Z") && reason.contains("ticket") && resource.labels.env == "dev"\'',
    );
    const asked: Asked = {
      principal: { issuer: "i", subject: "s", groups: ["ops"], claims: {} },
      reason: "ticket 5",
      resource: { labels: { env: "dev" } },
    };
    expect(ask(rules, "select 1", asked).effect).toBe("allow");
    expect(ask(rules, "select 1", { ...asked, reason: "" }).effect).toBe("deny");
    expect(ask(rules, "select 1", { ...asked, nowMs: Date.parse("2026-01-01T00:00:00Z") }).effect).toBe("deny");
    expect(ask(rules, "select 1", { ...asked, principal: { issuer: "i", subject: "s", groups: [], claims: {} } }).effect).toBe(
      "deny",
    );
    expect(ask(rules, "select 1", { ...asked, resource: { labels: { env: "prod" } } }).effect).toBe("deny");
  });

  test("what was decided about seen facts does not leak to other facts, resources or questions", () => {
    const rules = policy("a allow when: sql.readOnly; role: reader; resources: [orders-db]", 'b deny when: reason == "x"');
    for (let round = 0; round < 3; round++) {
      expect(ask(rules, "select 1").effect).toBe("allow");
      expect(ask(rules, "select 1", { reason: "x" }).effect).toBe("deny");
      expect(ask(rules, "delete from t").effect).toBe("deny");
      expect(ask(rules, "select 1", { resource: Object.freeze({ name: "other" }) }).effect).toBe("deny");
    }
  });

  test("the order of rules and files makes no difference", () => {
    const rules = ["a review role: reader; message: one", "b review role: reader; message: two", "c review role: reader"];
    const expected = ask(policy(...rules), "select 1");
    for (const order of [
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
    ]) {
      const { policyDigest: _, ...rest } = ask(policy(...order.map((index) => rules[index] ?? "")), "select 1");
      expect(expected).toMatchObject(rest);
    }
    const one = loadPolicy({
      "a.yaml": "version: 1\nrules: [{ id: x, effect: allow, role: reader }]",
      "b.yaml": "version: 1\nrules: [{ id: y, effect: deny }]",
    });
    const other = loadPolicy({
      "b.yaml": "version: 1\nrules: [{ id: y, effect: deny }]",
      "a.yaml": "version: 1\nrules: [{ id: x, effect: allow, role: reader }]",
    });
    expect(one.digest).toBe(other.digest);
    expect(ask(one, "select 1")).toEqual(ask(other, "select 1"));
  });

  test("the digest is over names and texts", () => {
    const text = "version: 1\nrules: []";
    expect(loadPolicy({ "a.yaml": text }).digest).not.toBe(loadPolicy({ "b.yaml": text }).digest);
    expect(loadPolicy({ "a.yaml": text }).digest).not.toBe(loadPolicy({ "a.yaml": `${text}\n` }).digest);
    // printf 'countersign/policy/v1\n{"a.yaml":"version: 1\\nrules: []"}' | sha256sum
    expect(loadPolicy({ "a.yaml": text }).digest).toBe("sha256:724efc801a8883055499bdbb42da6c6d83d90bf9cf26ef080f3657d76eb36fef");
    expect(loadPolicy({ "a.yaml": text }).files).toEqual({ "a.yaml": text });
  });
});

describe("a policy that cannot be used is refused", () => {
  function problems(rule: string): string {
    const text = rule.startsWith("version") ? rule : `version: 1\nrules:\n  - ${rule.replaceAll("\n", "\n    ")}\n`;
    try {
      loadPolicy({ "p.yaml": text });
      return "accepted";
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      return error.message;
    }
  }

  const review = (approval: string) => `id: a\neffect: review\napproval: ${approval}`;

  test.each([
    ["version: 2\nrules: []", "p.yaml:1:10: found 2, expected 1"],
    ["version: 1", 'p.yaml:1:1: "rules" is missing; expected a list'],
    ["id: a\neffect: allow\nwen: true", 'p.yaml:5:5: unknown key "wen"; did you mean "when"?'],
    ["id: a\neffect: permit", 'p.yaml:4:13: found the text "permit", expected allow or deny or review'],
    ["id: a b\neffect: deny", "p.yaml:3:9: an id holds letters, digits, dots, dashes and underscores (at most 100)"],
    ["effect: deny", 'p.yaml:3:5: "id" is missing; expected a text'],
    ["id: a\neffect: deny\nwhen: true", "p.yaml:5:11: found true, expected a text"],
    ["id: a\neffect: deny\nwhen: sql.readonly", 'p.yaml:5:11: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ["id: a\neffect: deny\nwhen: 'true && sql.readonly'", 'p.yaml:5:20: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    [
      "id: a\neffect: deny\nwhen: |\n  true &&\n    sql.readonly",
      'p.yaml:7:9: unknown fact sql.readonly; did you mean "sql.readOnly"?',
    ],
    ["id: a\neffect: deny\nwhen: sql.tables", "p.yaml:5:11: the condition gives list<string>, expected bool (true or false)"],
    [
      "id: a\neffect: deny\nwhen: sql.text.matches('(')",
      "p.yaml:5:28: not a regular expression (RE2 syntax): error parsing regexp: missing closing ): `(`",
    ],
    ["id: a\neffect: deny\nrole: x", 'p.yaml:5:11: "role" has no meaning for effect: deny; it belongs to allow and review rules'],
    [
      "id: a\neffect: allow\napproval: { stages: [{ approvers: ['user:a'] }] }",
      'p.yaml:5:15: "approval" has no meaning for effect: allow; it belongs to review rules',
    ],
    [
      `${review("{ stages: [{ approvers: ['user:a'] }] }")}\nopaque: true`,
      'p.yaml:6:13: "opaque" has no meaning for effect: review; it belongs to allow rules',
    ],
    ["id: a\neffect: review", 'p.yaml:3:5: "approval" is missing; a review rule says who approves'],
    ["id: a\neffect: deny\nresources: []", "p.yaml:5:16: resources must name at least one; leave it out for all"],
    ["id: a\neffect: deny\nresources: ['label:x']", 'p.yaml:5:17: "label:x" is not a label selector; expected label:KEY=VALUE'],
    ["id: a\neffect: allow\nlimits: { rows: 0 }", "p.yaml:5:21: rows must be at least 1"],
    [
      "id: a\neffect: allow\nlimits: { bytes: 10 parsecs }",
      'p.yaml:5:22: "10 parsecs" is not a size; expected something like "10MB", "512KiB" or a number of bytes',
    ],
    [
      "id: a\neffect: allow\nlimits: { time: soon }",
      'p.yaml:5:21: "soon" is not a duration; expected something like "30s", "5m" or "1h"',
    ],
    [
      "id: a\neffect: allow\nlimits: { time: 15d }",
      'p.yaml:5:21: "15d" is longer than 14d; expected something like "30s", "5m" or "1h"',
    ],
    ["id: a\neffect: allow\nlimits: { row: 5 }", 'p.yaml:5:15: unknown key "row"; did you mean "rows"?'],
    [review("{ stages: [] }"), "p.yaml:5:25: stages must hold at least one stage"],
    [review("{ stages: [{ approvers: [] }] }"), "p.yaml:5:39: approvers must name at least one group or user"],
    [
      review("{ stages: [{ approvers: [dba] }] }"),
      'p.yaml:5:40: expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"',
    ],
    [review("{ stages: [{ approvers: ['user:a', 'user:a'] }] }"), "p.yaml:5:39: an approver is named twice"],
    [
      review("{ stages: [{ approvers: ['group:a'], count: 0 }] }"),
      "p.yaml:5:59: count must be at least 1: nothing is approved by nobody",
    ],
    [
      review("{ stages: [{ approvers: ['user:a'], count: 2 }] }"),
      "p.yaml:5:58: count is 2, but only 1 person is named: it could never be satisfied",
    ],
    [
      review("{ stages: [{ approvers: ['user:a'] }, { approvers: ['user:a'] }] }"),
      "p.yaml:5:25: the stages need 2 different people, but only 1 is named: a person votes once",
    ],
    [
      review("{ stages: [{ approvers: ['group:a'], escalate: [{ after: 10m, to: ['group:b'] }] }] }"),
      "p.yaml:5:62: escalate is not supported yet by this version, and a rule must not be weaker than it says; take it out",
    ],
    [
      review("{ stages: [{ approvers: ['group:a'] }], signature: passkey }"),
      "p.yaml:5:66: signature: passkey is not supported yet by this version, and a rule must not be weaker than it says; take it out",
    ],
    [
      review("{ stages: [{ approvers: ['group:a'] }], grants: { maxUses: 20 } }"),
      "p.yaml:5:63: grants is not supported yet by this version, and a rule must not be weaker than it says; take it out",
    ],
  ])("%j", (rule, expected) => {
    expect(problems(rule)).toBe(expected);
  });

  test("an id that is taken, in the same file or in another", () => {
    expect(problems("version: 1\nrules:\n  - { id: a, effect: deny }\n  - { id: a, effect: allow }")).toBe(
      'p.yaml:4:11: the id "a" is taken by the rule at p.yaml:3',
    );
    const rule = "version: 1\nrules: [{ id: a, effect: deny }]";
    expect(() => loadPolicy({ "b.yaml": rule, "a.yaml": rule })).toThrow(
      'b.yaml:2:15: the id "a" is taken by the rule at a.yaml:2',
    );
  });

  test("problems of all files are listed together", () => {
    expect(() => loadPolicy({ "a.yaml": "version: 2\nrules: []", "b.yaml": "[" })).toThrow(/a\.yaml:1:10: .*\nb\.yaml:1:2: /);
    expect(() => loadPolicy({})).toThrow(PolicyError);
  });
});
