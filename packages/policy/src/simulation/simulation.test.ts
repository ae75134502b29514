import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { classify } from "../facts.ts";
import { loadPolicy, type Policy } from "../policy.ts";
import type { RecordedAction, RecordedDecision } from "./recorded-action.ts";
import { Simulation } from "./simulation.ts";

beforeAll(loadParser);

const draft = (rules: string) => loadPolicy({ "draft.yaml": `version: 1\nrules:\n${rules}` });

const reads = "  - { id: reads, when: sql.readOnly, effect: allow, role: reader, limits: { rows: 100 } }\n";
const writes = `  - id: writes
    when: sql.writes
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba], count: 2 }] }
`;

const allowed: RecordedDecision = { effect: "allow", rules: ["old-reads"], role: "reader", limits: { rows: 100 } };
const denied: RecordedDecision = { effect: "deny", rules: [] };
const reviewed = (count: number, ...approvers: string[]): RecordedDecision => ({
  ...{ effect: "review", rules: ["old-writes"], role: "writer", limits: {} },
  requirements: [{ rule: "old-writes", stages: [{ approvers, count }] }],
});

function action(statement: string, was: RecordedDecision, more: Partial<RecordedAction> = {}): RecordedAction {
  return {
    operation: { kind: "postgres.query", statement, parameters: [] },
    resource: { name: "orders-db", type: "postgres", labels: {}, roles: ["reader", "writer"] },
    searchPath: ["public"],
    principal: { issuer: "unix", subject: "agent-1", groups: [] },
    reason: "",
    timeMs: 0,
    was,
    ...more,
  };
}

function replay(rules: string, ...actions: readonly RecordedAction[]) {
  const simulation = new Simulation(draft(rules));
  for (const one of actions) simulation.add(one);
  return simulation.report();
}

const delete1 = "delete from t where id = 1";

test.each<[string, string, RecordedDecision, string | undefined]>([
  [reads, "select 1", allowed, undefined],
  [reads, "select 1", reviewed(1, "group:dba"), "newly-runs"],
  [reads, "select 1", denied, "newly-runs"],
  [writes, "select 1", allowed, "newly-refused"],
  [reads, delete1, reviewed(1, "group:dba"), "newly-refused"],
  [reads, "selec", allowed, "newly-refused"],
  [reads, delete1, denied, undefined],
  [writes, delete1, denied, "newly-approvable"],
  [writes, delete1, allowed, "newly-waits"],
  [writes, delete1, reviewed(2, "group:dba"), undefined],
  [writes, delete1, reviewed(1, "group:dba"), "stricter"],
  [writes, delete1, reviewed(3, "group:dba"), "looser"],
  [writes, delete1, reviewed(2, "group:dba", "user:x"), "stricter"],
  [writes, delete1, reviewed(3, "group:dba", "user:x"), "different"],
  [writes, delete1, reviewed(2, "user:x"), "different"],
  [reads, "select 1", { ...allowed, role: "writer" }, "different"],
  [reads, "select 1", { ...allowed, limits: {} }, "stricter"],
  [reads, "select 1", { ...allowed, limits: { rows: 10 } }, "looser"],
  [reads, "select 1", { ...allowed, limits: { rows: 10, timeMs: 5 } }, "looser"],
  [reads, "select 1", { ...allowed, limits: { rows: 1000, timeMs: 5 } }, "different"],
  // What was not recorded is not compared.
  [reads, "select 1", { effect: "allow", rules: [] }, undefined],
])("with %s %s, which was %j, is %s", (rules, statement, was, change) => {
  const { groups, unchanged, replayed } = replay(rules, action(statement, was));
  expect(groups.map((group) => group.change)).toEqual(change === undefined ? [] : [change]);
  expect([replayed, unchanged]).toEqual([1, change === undefined ? 1 : 0]);
});

test("against the policy that decided, nothing changes", () => {
  const same = draft(reads + writes);
  const simulation = new Simulation(same);
  for (const statement of ["select 1", delete1, "delete from t", "drop table t", "select f()", "select 1; select 2", "selec"]) {
    const { operation, ...asked } = action(statement, denied);
    simulation.add({ ...asked, operation, was: decidedBy(same, statement) });
  }
  expect(simulation.report()).toMatchObject({ replayed: 7, unchanged: 7, groups: [] });
});

/** As the log says it. */
function decidedBy(policy: Policy, statement: string): RecordedDecision {
  try {
    const { operation, resource, principal } = action(statement, denied);
    const facts = classify(operation, { searchPath: ["public"] });
    const decision = policy.decide({ resource, principal: { ...principal, claims: {} }, facts, reason: "", nowMs: 0 });
    if (decision.effect === "deny") return { effect: "deny", rules: decision.rules };
    const { effect, rules, role, limits } = decision;
    return { effect, rules, role, limits, ...(effect === "review" ? { requirements: decision.approval.requirements } : {}) };
  } catch {
    return denied;
  }
}

test("the same people in other stages are different terms", () => {
  const twoStages = writes.replace(
    "[{ approvers: [group:dba], count: 2 }]",
    "[{ approvers: [group:dba] }, { approvers: [group:dba] }]",
  );
  expect(replay(twoStages, action(delete1, reviewed(2, "group:dba"))).groups).toMatchObject([{ change: "different" }]);
});

test("a reason that the draft asks for and that was not given is a refusal", () => {
  const rules = writes.replace("approval: {", "approval: { justification: required,");
  const was = reviewed(2, "group:dba");
  expect(replay(rules, action(delete1, was)).groups).toMatchObject([{ change: "newly-refused", now: { rules: ["writes"] } }]);
  expect(replay(rules, action(delete1, was, { reason: "tidy up" })).groups).toEqual([]);
});

test("conditions on the time see when it was recorded, conditions on labels what is configured", () => {
  const night = '  - { id: night, when: now.getHours() < 6 && resource.labels.env == "prod", effect: deny }\n';
  const resource = { name: "orders-db", type: "postgres", labels: { env: "prod" }, roles: ["reader"] };
  const at = (hour: number) => action("select 1", allowed, { resource, timeMs: Date.UTC(2026, 0, 5, hour) });
  expect(replay(night + reads, at(3), at(12), at(13))).toMatchObject({
    unchanged: 2,
    groups: [{ change: "newly-refused", count: 1 }],
  });
});

describe("groups", () => {
  test("statements that differ in constants are one group, with the first as its example; the most dangerous and largest come first", () => {
    const report = replay(
      reads + writes,
      action(delete1, allowed),
      action("delete from t where id = 22", allowed, { principal: { issuer: "unix", subject: "agent-2", groups: [] } }),
      action("select 1", denied),
      action("delete from u", allowed),
      action("delete from t where id = 3", reviewed(2, "group:dba")),
      action(delete1, allowed, { resource: { name: "other", type: "postgres", labels: {}, roles: ["writer"] } }),
    );
    expect(report).toMatchObject({ replayed: 6, unchanged: 1, ungrouped: {}, claims: { count: 0, rules: [] } });
    expect(report.groups.map(({ change, count, example, resource }) => [change, count, example, resource])).toEqual([
      ["newly-runs", 1, "select 1", "orders-db"],
      ["newly-waits", 2, delete1, "orders-db"],
      ["newly-waits", 1, "delete from u", "orders-db"],
      ["newly-waits", 1, delete1, "other"],
    ]);
    expect(report.groups[1]).toMatchObject({
      principals: ["agent-1", "agent-2"],
      morePrincipals: false,
      was: { effect: "allow", rules: ["old-reads"] },
      now: { effect: "review", rules: ["writes"], role: "writer" },
    });
  });

  test("what is kept does not grow without end", () => {
    const simulation = new Simulation(draft(reads));
    for (let n = 0; n < 10_050; n++) simulation.add(action(`delete from t${n}`, allowed));
    for (let n = 0; n < 50; n++) {
      simulation.add(action("delete from t0", allowed, { principal: { issuer: "unix", subject: `agent-${n}`, groups: [] } }));
    }
    simulation.add(action(`select '${"x".repeat(100_000)}'`, denied));
    const { groups, ungrouped } = simulation.report();
    expect(groups).toHaveLength(10_000);
    expect(ungrouped).toEqual({ "newly-refused": 50, "newly-runs": 1 });
    expect(groups[0]).toMatchObject({ count: 51, morePrincipals: true });
    expect(groups[0]?.principals).toHaveLength(10);
    const long = replay(reads, action(`select '${"x".repeat(100_000)}'`, denied));
    expect(long.groups[0]?.example.length).toBeLessThan(3000);
  });
});

test("nothing is said about actions that a rule on claims may decide: claims are not recorded", () => {
  const team = '  - { id: team, when: sql.readOnly && principal.claims.team == "shop", effect: allow, role: reader }\n';
  const elsewhere = "  - { id: elsewhere, resources: [x], when: has(principal.claims.team), effect: deny }\n";
  const command: Partial<RecordedAction> = { operation: { kind: "ssh.exec", command: "id" } };
  const report = replay(team + elsewhere, action("select 1", allowed), action("selec", denied), action("", denied, command));
  expect(report).toMatchObject({ replayed: 2, unchanged: 2, groups: [], claims: { count: 1, rules: ["team"] } });
});
