import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approverClient, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";

let instance: Instance;

/** Reads are looser than before, deletes by id run at once, other writes need two people, and what was denied can be asked for. */
const draft = `version: 1
rules:
  - id: reads-are-free
    when: sql.readOnly
    effect: allow
    role: reader
    limits: { rows: 5 }
  - id: one-order
    when: sql.kinds == ["DELETE"] && sql.hasWhere
    effect: allow
    role: writer
  - id: writes-need-two
    when: sql.writes && !(sql.kinds == ["DELETE"] && sql.hasWhere)
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall], count: 2 }] }
  - id: definitions
    when: sql.ddl
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;

beforeAll(async () => {
  instance = await Instance.start({ files: { "draft.yaml": draft } });
  await using cs = instance.client();
  using alice = await approverClient(instance, "alice");
  const orders = cs.postgres("orders-db");
  for (let n = 1; n <= 3; n++) await orders.query("select * from orders where id = $1", [n]);
  for (const statement of ["delete from orders where id = 1", "delete from orders where id = 2", "update orders set total = 0"]) {
    const { id } = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement });
    await vote(alice, id, "approve");
    await waitForState(alice, id, RequestState.SUCCEEDED);
  }
  await expect(orders.query("drop table orders")).rejects.toMatchObject({ code: "denied" });
  await expect(orders.query("selec")).rejects.toMatchObject({ code: "invalid_operation" });
  // An allowed request that is stored has two records with a payload; it is one action.
  const read = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement: "select count(*) from orders" });
  await waitForState(alice, read.id, RequestState.SUCCEEDED);
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

async function simulate(...options: readonly string[]) {
  const { code, stdout, stderr } = await instance.cli("policy", "simulate", "--draft", "draft.yaml", ...options);
  return { code, stdout, stderr, report: options.includes("--json") ? JSON.parse(stdout) : undefined };
}

const expected = {
  replayed: 9,
  unchanged: 1,
  groups: [
    { change: "newly-runs", count: 2, example: "delete from orders where id = 1", principals: ["local-agent"] },
    {
      change: "newly-approvable",
      count: 1,
      example: "drop table orders",
      was: { rules: ["never"] },
      now: { rules: ["definitions"] },
    },
    { change: "stricter", count: 3, example: "select * from orders where id = $1", now: { limits: { rows: 5 } } },
    {
      change: "stricter",
      count: 1,
      was: { requirements: [{ stages: [{ count: 1 }] }] },
      now: { requirements: [{ stages: [{ count: 2 }] }] },
    },
    { change: "stricter", count: 1, example: "select count(*) from orders", was: { rules: ["reads-are-free"], role: "reader" } },
  ],
  claims: { count: 0 },
  notReplayed: { erased: 0, unreadable: 0, notKept: 0, undecided: 0, notConfigured: {} },
};

describe("policy simulate", () => {
  test("replays what was recorded while the instance runs, and says it in words", async () => {
    const { code, report, stderr } = await simulate("--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject(expected);
    const { stdout } = await simulate();
    expect(stdout).toContain("9 actions from ");
    expect(stdout).toContain(
      "Would newly run without a person: 2 actions\n  2 × on orders-db, by local-agent\n      delete from orders where id = 1\n",
    );
    expect(stdout).toContain(
      "      was  review by writes-need-a-human; as writer; 1 of group:dba-oncall\n      now  allow by one-order; as writer\n",
    );
  });

  test("fails only on what it is told to fail on", async () => {
    expect((await simulate("--fail-on", "newly-runs")).code).toBe(1);
    expect((await simulate("--fail-on", "newly-refused", "--fail-on", "looser")).code).toBe(0);
  });

  test("looks at the period that it is told", async () => {
    const empty = { replayed: 0, unchanged: 0, groups: [] };
    expect((await simulate("--until", "1h", "--json")).report).toMatchObject(empty);
    expect((await simulate("--since", "2999-01-01T00:00:00Z", "--json")).report).toMatchObject(empty);
    expect((await simulate("--since", "2020-01-01T00:00:00Z", "--json")).report).toMatchObject(expected);
    expect(await simulate("--since", "yesterday")).toMatchObject({ code: 2, stderr: expect.stringContaining("is no time") });
  });

  test("nothing is said about actions that the draft decides by claims", async () => {
    writeFileSync(
      join(instance.folder, "claims.yaml"),
      `version: 1\nrules:\n  - { id: team, when: has(principal.claims.team), effect: deny }\n`,
    );
    const { stdout } = await instance.cli("policy", "simulate", "--draft", "claims.yaml");
    expect(stdout).toContain("1 action from");
    expect(stdout).toContain("Nothing is said about 8 actions: team looks at principal.claims");
  });

  test("after it was stopped: what was erased, changed or is not configured any more is counted, not guessed", async () => {
    await instance.end();
    expect((await simulate("--json")).report).toMatchObject(expected);
    const log = new Sqlite(join(instance.data, "audit.db"));
    const payloads = log
      .prepare<[], { idx: number }>(
        'select idx from payloads join records using (idx) where cast(bytes as text) like \'%"type":"request"%\' order by idx',
      )
      .all();
    log.prepare("delete from payloads where idx = ?").run(payloads[0]?.idx);
    log.prepare("update payloads set sealed = zeroblob(200) where idx = ?").run(payloads[1]?.idx);
    log.close();
    const { report } = await simulate("--json");
    expect(report).toMatchObject({ replayed: 7, notReplayed: { erased: 1, unreadable: 1 } });
    writeFileSync(join(instance.folder, "countersign.yaml"), "version: 1\ndata: data\nresources: []\n");
    expect((await simulate("--json")).report).toMatchObject({ replayed: 0, notReplayed: { notConfigured: { "orders-db": 9 } } });
  });

  test("a folder without a log is told", async () => {
    expect(await simulate("--data", join(instance.folder, "nothing"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no audit log with its keys"),
    });
  });
});
