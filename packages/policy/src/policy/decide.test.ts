import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { type Asked, ask, policyOf } from "../testing-policy.ts";

beforeAll(loadParser);

describe("decide", () => {
  test("an empty policy denies everything", () => {
    expect(ask(policyOf(), "select 1")).toMatchObject({
      effect: "deny",
      rules: [],
      message: "No rule allows this (SELECT on orders-db).",
    });
  });

  test("deny beats review beats allow", () => {
    const all = ["a allow role: reader", "b review role: reader", "c deny", "d deny message: no"];
    expect(ask(policyOf(...all), "select 1")).toMatchObject({
      effect: "deny",
      rules: ["c", "d"],
      message: "Denied by the rule c. Denied by the rule d: no",
    });
    expect(ask(policyOf(...all.slice(0, 2)), "select 1")).toMatchObject({ effect: "review", rules: ["b"] });
    expect(ask(policyOf(...all.slice(0, 1)), "select 1")).toMatchObject({ effect: "allow", rules: ["a"] });
  });

  test("a rule that cannot be evaluated denies and says so, whatever else matches", () => {
    const decision = ask(policyOf("a allow role: reader", 'b allow when: resource.labels.env == "dev"'), "select 1");
    expect(decision).toMatchObject({ effect: "deny", rules: ["b"] });
    expect(decision.message).toMatch(/rule b could not be evaluated, so it denies: No such key: env/);
  });

  test("a rule for other resources is not evaluated", () => {
    expect(
      ask(policyOf("a allow role: reader", 'b deny when: resource.labels.env == "dev"; resources: [other]'), "select 1").effect,
    ).toBe("allow");
  });

  test("an allow does not see an opaque operation unless it says so", () => {
    const refused = ask(policyOf("a allow role: reader"), "select f()");
    expect(refused).toMatchObject({ effect: "deny", rules: [] });
    expect(refused.message).toMatch(/\(a\) does not cover what is not fully understood.*public\.f/);
    expect(ask(policyOf("a allow role: reader", "b allow role: reader; opaque: true"), "select f()")).toMatchObject({
      effect: "allow",
      rules: ["b"],
    });
    expect(ask(policyOf("a allow role: reader", "b review role: reader"), "select f()")).toMatchObject({
      effect: "review",
      rules: ["b"],
    });
    expect(ask(policyOf("a allow role: reader; opaque: false"), "select f()").effect).toBe("deny");
    expect(ask(policyOf("a allow when: sql.readOnly; role: reader"), "select f()").message).toMatch(/not fully understood/);
  });

  test("every matching review must be satisfied; times and limits are the strictest", () => {
    const decision = ask(
      policyOf(
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

  test("each rule keeps its own people for emergencies", () => {
    const decision = ask(
      policyOf(
        "a review role: app; approval: { stages: [{ approvers: ['user:x'] }], breakGlass: { approvers: ['group:oncall'], reviewWithin: 4h } }",
        "b review role: app; approval: { stages: [{ approvers: ['user:y'] }] }",
        "c review role: app; approval: { stages: [{ approvers: ['user:z'] }], breakGlass: { approvers: ['user:erin'] } }",
      ),
      "delete from t",
      { resource: { roles: ["app"] } },
    );
    const stages = (name: string) => [{ approvers: [name], count: 1 }];
    expect(decision).toMatchObject({ effect: "review" });
    expect("approval" in decision && decision.approval.requirements).toEqual([
      { rule: "a", stages: stages("user:x"), breakGlass: { approvers: ["group:oncall"], reviewWithinMs: 4 * 3_600_000 } },
      { rule: "b", stages: stages("user:y") },
      { rule: "c", stages: stages("user:z"), breakGlass: { approvers: ["user:erin"], reviewWithinMs: 24 * 3_600_000 } },
    ]);
  });

  test("pg-multi: every statement is decided alone; the strictest counts, and all that is asked is asked", () => {
    const rules = policyOf(
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
    const two = policyOf("reads allow when: sql.readOnly; role: reader", "writes review when: sql.writes; role: writer");
    // A person agrees to the whole text, and so to the credential that its reviewed part needs.
    expect(ask(two, "select 1; delete from t")).toMatchObject({ effect: "review", role: "writer", rules: ["reads", "writes"] });
    const three = policyOf(
      "reads allow when: sql.readOnly; role: reader",
      "deletes review when: sql.writes; role: writer",
      "defines review when: sql.ddl; role: owner",
    );
    expect(ask(three, "select 1; delete from t; create table u (a int)").message).toMatch(
      /deletes name different roles \(owner, writer\)|defines, deletes name different roles/,
    );
  });

  test("the role: one name, or the resource's only one", () => {
    const two = ask(policyOf("a allow role: reader", "b allow role: writer"), "select 1");
    expect(two).toMatchObject({
      effect: "deny",
      rules: ["a", "b"],
      message: "The rules a, b name different roles (reader, writer); only one can be used.",
    });
    expect(ask(policyOf("a allow", "b allow role: writer"), "select 1")).toMatchObject({ effect: "allow", role: "writer" });
    expect(ask(policyOf("a allow"), "select 1", { resource: { roles: ["only"] } })).toMatchObject({
      effect: "allow",
      role: "only",
    });
    expect(ask(policyOf("a allow"), "select 1").message).toMatch(
      /No rule \(a\) names a role, and orders-db has several \(reader, writer\)/,
    );
    expect(ask(policyOf("a allow"), "select 1", { resource: { roles: [] } }).message).toMatch(/orders-db has none/);
    expect(ask(policyOf("a allow role: admin"), "select 1")).toMatchObject({
      effect: "deny",
      message: "The rule a names the role admin, which orders-db does not have.",
    });
    expect(ask(policyOf("a allow role: reader", "b review role: writer"), "select 1")).toMatchObject({
      effect: "review",
      role: "writer",
    });
  });

  test("principal, time, reason and labels count", () => {
    const rules = policyOf(
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
    const rules = policyOf("a allow when: sql.readOnly; role: reader; resources: [orders-db]", 'b deny when: reason == "x"');
    for (let round = 0; round < 3; round++) {
      expect(ask(rules, "select 1").effect).toBe("allow");
      expect(ask(rules, "select 1", { reason: "x" }).effect).toBe("deny");
      expect(ask(rules, "delete from t").effect).toBe("deny");
      expect(ask(rules, "select 1", { resource: Object.freeze({ name: "other" }) }).effect).toBe("deny");
    }
  });
});
