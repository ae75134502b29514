import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "./facts/postgres/parser.ts";
import { loadPolicy } from "./policy.ts";
import { ask, policyOf } from "./testing-policy.ts";

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

describe("files", () => {
  test("the order of rules and files makes no difference", () => {
    const rules = ["a review role: reader; message: one", "b review role: reader; message: two", "c review role: reader"];
    const expected = ask(policyOf(...rules), "select 1");
    for (const order of [
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
    ]) {
      const { policyDigest: _, ...rest } = ask(policyOf(...order.map((index) => rules[index] ?? "")), "select 1");
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
