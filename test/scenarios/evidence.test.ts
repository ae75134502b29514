import { setTimeout as sleep } from "node:timers/promises";
import { RequestDetail, RequestState } from "@countersign/rpc";
import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

/** Deletes are tried out, inserts are not looked into, all else is planned. */
const policy = ordersPolicy
  .replace("      validFor: 5m\n", "      validFor: 5m\n      evidence: effect\n")
  .replace("when: sql.writes", 'when: sql.writes && !sql.kinds.exists(k, k == "INSERT")')
  .concat(`  - id: inserts
    when: sql.kinds.exists(k, k == "INSERT")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }], evidence: none }
`);

let instance: Instance;
let cs: Countersign;
let alice: ApproverConnection;

beforeAll(async () => {
  instance = await Instance.start({ policy, resource: "evidence: { role: reader }" });
  cs = instance.client();
  alice = await approverClient(instance, "alice");
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await cs?.close();
  await instance?.[Symbol.asyncDispose]();
});

const statement = "update orders set total = total * $1 where status = 'duplicate'";

function ask(text: string, ...parameters: string[]) {
  return cs.submit({ kind: "postgres.query", resource: "orders-db", statement: text, parameters });
}

/** Every row with the transaction that wrote it. */
const contents = () =>
  instance.value("select md5(string_agg(xmin::text || ctid::text || o::text, ',' order by id)) from orders o");

async function evidenceOf(id: string) {
  for (let tries = 0; tries < 200; tries++) {
    const { evidence } = await getRequest(alice, id);
    if (evidence !== undefined && !evidence.failure.startsWith("It is still")) return evidence;
    await sleep(25);
  }
  throw new Error("no evidence came");
}

test("an approver sees plan and exact effect before voting, nothing has changed, and what then happens is what was shown", async () => {
  const before = await contents();
  const held = await ask(statement, "2");
  const evidence = await evidenceOf(held.id);
  expect(await contents()).toBe(before);
  expect(evidence).toMatchObject({ failure: "", affectedRows: 100, notes: [] });
  expect(evidence.plan).toContain("on orders");
  expect(evidence.estimatedRows).toBeGreaterThan(0);
  expect(evidence.sample).toHaveLength(5);

  const { stdout } = await instance.cli("show", held.id, "--as", "alice");
  expect(stdout).toContain("When it was tried and rolled back, it changed 100 rows.");
  const json = JSON.parse((await instance.cli("show", held.id, "--as", "alice", "--json")).stdout);
  expect(json.evidence).toMatchObject({ affectedRows: 100, sample: expect.any(Array) });

  // The agent's own view of its request has nothing of it.
  expect(JSON.stringify(held)).not.toMatch(/evidence|sample/i);

  await vote(alice, held.id, "approve");
  const done = await waitForState(alice, held.id, RequestState.SUCCEEDED);
  expect(done.outcome?.rowsAffected).toBe(evidence.affectedRows);
  for (const { columns, after } of evidence.sample) {
    const [id, total] = [columns.indexOf("id"), columns.indexOf("total")].map((index) => after[index]?.text);
    expect(String(await instance.value(`select total from orders where id = ${id}`))).toBe(total);
  }
});

test("the next request that is like it shows how the one before ended, with who voted", async () => {
  const first = await ask(statement, "3");
  await vote(alice, first.id, "deny");
  const other = await ask("delete from orders where id = $1", "-1");
  const second = await ask("update orders set total=total*$1 where status='paid' -- again", "4");
  const { past } = await getRequest(alice, second.id);
  expect(past.slice(0, 2)).toMatchObject([
    { id: first.id, state: RequestState.DENIED, votes: ["alice: deny"] },
    { state: RequestState.SUCCEEDED, votes: ["alice: approve"] },
  ]);
  expect(past.every(({ subject }) => subject !== "")).toBe(true);
  expect((await getRequest(alice, other.id)).past).toEqual([]);
  const { stdout } = await instance.cli("show", second.id, "--as", "alice");
  expect(stdout).toMatch(new RegExp(`${first.id} +denied, asked by .*; alice: deny`));
  await Promise.all([vote(alice, other.id, "deny"), vote(alice, second.id, "deny")]);
});

test("what the rule does not ask for is not looked into", async () => {
  const held = await ask("insert into orders values (9999, 'x', 1, 'paid', now())");
  await sleep(300);
  expect((await getRequest(alice, held.id)).evidence).toBeUndefined();
  await vote(alice, held.id, "deny");
});

test("the log holds with evidence in it", async () => {
  const held = await ask("update orders set customer = $1 where id = 7", "somebody");
  await evidenceOf(held.id);
  await vote(alice, held.id, "deny");
  expect(await instance.cli("audit", "verify")).toMatchObject({ code: 0 });
});

test("a trial ends with the wait: whoever votes does not wait for it, and its locks are gone", async () => {
  const slow = "update orders set total = (select count(*) from generate_series(1, 30000000)) where id = 11";
  const held = await ask(slow);
  await sleep(150);
  const started = performance.now();
  await vote(alice, held.id, "deny");
  expect(performance.now() - started).toBeLessThan(1000);
  await instance.postgres.query("set lock_timeout = 1000; update orders set status = status where id = 11", [], "orders");
  const { evidence } = await getRequest(alice, held.id);
  expect(evidence?.affectedRows).toBeUndefined();
});

test("held statements that take long do not keep those of others from being looked into for long", async () => {
  const slow = "update orders set total = (select count(*) from generate_series(1, 300000000)) where id = 12";
  const flood = await Promise.all([1, 2, 3].map(() => ask(slow)));
  const failed = await evidenceOf(flood[0]?.id ?? "");
  expect(failed.failure).toMatch(/took longer than 2000 ms/);
  expect(failed.affectedRows).toBeUndefined();
  for (const { id } of flood) await vote(alice, id, "deny");
  expect(RequestDetail.toJSON(await getRequest(alice, flood[0]?.id ?? ""))).toMatchObject({
    evidence: { failure: expect.any(String) },
  });
}, 20_000);
