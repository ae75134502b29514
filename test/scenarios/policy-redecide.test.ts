import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestState } from "@countersign/rpc";
import type { RequestProgress } from "@countersign/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

let instance: Instance;
let alice: ApproverConnection;
beforeAll(async () => {
  instance = await Instance.start();
  alice = await approverClient(instance, "alice");
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await instance?.[Symbol.asyncDispose]();
});

let turn = 0;
/** Each text is another policy. */
const policy = (change: (text: string) => string = (text) => text) => `# ${++turn}\n${change(ordersPolicy)}`;
const tightened = () => policy((text) => `${text}  - { id: frozen, effect: deny, when: sql.writes, message: Change freeze. }\n`);
const loosened = () =>
  policy((text) => text.replace(/effect: review[\s\S]*?validFor: 5m\n/, "effect: allow\n    role: writer\n"));
const twoPeople = () => policy((text) => text.replace("count: 1", "count: 2"));
const nobody = () => policy((text) => text.replace("group:dba-oncall", "group:nobody-is-in-it"));

async function digest(): Promise<string> {
  return JSON.parse((await instance.cli("policy", "status", "--json")).stdout).digest;
}

/** Replaces the file and waits until its policy decides. */
async function inForce(text: string): Promise<void> {
  const before = await digest();
  put(text);
  for (let tries = 0; (await digest()) === before; tries++) {
    if (tries > 100) throw new Error(`not in force: ${instance.log}`);
    await sleep(50);
  }
}

function put(text: string): void {
  writeFileSync(join(instance.folder, "policy.yaml.new"), text);
  renameSync(join(instance.folder, "policy.yaml.new"), join(instance.folder, "policy.yaml"));
}

const remove = (id: number) =>
  ({ kind: "postgres.query", resource: "orders-db", statement: "delete from orders where id = $1", parameters: [id] }) as const;
const isThere = async (id: number) => (await instance.value(`select count(*)::int from orders where id = ${id}`)) === 1;

beforeEach(async () => {
  await inForce(policy());
});

describe("ap-revoke: a changed policy decides anew what is pending", () => {
  test("tightened: the caller's call is denied at once, with the reason", async () => {
    await using cs = instance.client();
    const waits = Promise.withResolvers<void>();
    const { statement, parameters } = remove(201);
    const onEvent = ({ type }: RequestProgress) => void (type === "pending" && waits.resolve());
    const query = cs.postgres("orders-db").query(statement, parameters, { onEvent });
    const refused = expect(query).rejects.toMatchObject({
      code: "denied",
      message: "The policy has changed. Denied by the rule frozen: Change freeze.",
    });
    await waits.promise;
    put(tightened());
    await refused;
    expect(await isThere(201)).toBe(true);
  });

  test("loosened: it runs, and the caller's call goes on in the same stream", async () => {
    await using cs = instance.client();
    const waits = Promise.withResolvers<void>();
    const events: RequestProgress[] = [];
    const { statement, parameters } = remove(202);
    const query = cs.postgres("orders-db").query(statement, parameters, {
      onEvent(event) {
        events.push(event);
        if (event.type === "pending") waits.resolve();
      },
    });
    await waits.promise;
    put(loosened());
    const result = await query;
    expect(result).toMatchObject({ rowCount: 1, receipt: { effect: "allow" } });
    expect(result.replaced).toEqual([{ successor: result.requestId, why: "The policy has changed." }]);
    expect(events.map(({ type }) => type)).toEqual([
      ...["decided", "pending", "replaced", "decided", "approved", "executing", "done"],
    ]);
    expect(events.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("asks other people: what takes its place waits for them, and votes over the old one are nothing", async () => {
    await using cs = instance.client();
    using bob = await approverClient(instance, "bob");
    const handle = await cs.submit(remove(203));
    await inForce(twoPeople());
    const old = await waitForState(alice, handle.id, RequestState.CANCELLED);
    const now = await getRequest(alice, old.replacedBy);
    expect(now).toMatchObject({ replaces: handle.id, replacesWhy: "The policy has changed.", reason: old.reason });
    await expect(vote(bob, old.replacedBy, "approve", old.requestDigest)).rejects.toThrow(/another digest/);
    await vote(alice, old.replacedBy, "approve");
    expect(await isThere(203)).toBe(true);
    await vote(bob, old.replacedBy, "approve");
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded", rowCount: 1 });
  });

  test("asks people who do not exist: it ends and says so", async () => {
    await using cs = instance.client();
    const handle = await cs.submit(remove(204));
    await inForce(nobody());
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "cancelled", error: { code: "nobody_can_approve" } });
  });

  test("changed for something else: it stays, with its votes", async () => {
    await using cs = instance.client();
    const handle = await cs.submit(remove(205));
    await inForce(policy((text) => text.replace("Ask the platform team.", "Ask somebody else.")));
    await sleep(300);
    expect(await getRequest(alice, handle.id)).toMatchObject({ summary: { state: RequestState.PENDING }, replacedBy: "" });
    await vote(alice, handle.id, "approve");
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded" });
  });

  test("changed three times, back and forth: the caller follows to the end", async () => {
    await using cs = instance.client();
    const handle = await cs.submit(remove(206));
    await inForce(twoPeople());
    await waitForState(alice, handle.id, RequestState.CANCELLED);
    await inForce(policy());
    const { replacedBy: second } = await getRequest(alice, handle.id);
    const { replacedBy: third } = await waitForState(alice, second, RequestState.CANCELLED);
    await vote(alice, third, "approve");
    const outcome = await handle.result({ timeout: "20s" });
    expect(outcome.state).toBe("succeeded");
    expect(outcome.replaced?.map(({ successor }) => successor)).toEqual([second, third]);
  });

  test("while nobody was running: it is decided anew at the start", async () => {
    const action = remove(207);
    const before = instance.client();
    const { id } = await before.submit(action);
    await before.close();
    await instance.end("SIGKILL");
    put(tightened());
    await instance.up();
    alice[Symbol.dispose]();
    alice = await approverClient(instance, "alice");
    const ended = await waitForState(alice, id, RequestState.CANCELLED);
    expect(ended.outcome?.error).toMatchObject({
      code: "denied",
      message: "The policy has changed. Denied by the rule frozen: Change freeze.",
    });
    expect(await isThere(207)).toBe(true);
  });
});

test("requests that are opened while the policy changes are not missed: each ends as the last policy says", async () => {
  await using cs = instance.client();
  const ids: string[] = [];
  let over = false;
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    for (let index = 0; !over; index++) {
      const handle = await cs.submit(remove(10_000 + index), { reason: `caller ${caller}` }).catch(() => undefined);
      if (handle !== undefined && handle.id !== "") ids.push(handle.id);
      await sleep(5);
    }
  });
  for (let round = 0; round < 4; round++) {
    put(twoPeople());
    await sleep(400);
    put(policy());
    await sleep(400);
  }
  await inForce(twoPeople());
  over = true;
  await Promise.all(callers);
  await sleep(1_000);
  expect(ids.length).toBeGreaterThan(50);
  const { stdout } = await instance.cli("requests", "--json", "--as", "alice");
  const pending: { id: string }[] = JSON.parse(stdout);
  expect(pending.length).toBeGreaterThanOrEqual(ids.length);
  for (const { id } of pending) {
    const { requirements } = await getRequest(alice, id);
    expect(requirements[0]?.stages[0]?.count).toBe(2);
  }
  expect(await instance.value("select count(*)::int from orders where id >= 10000")).toBe(0);
  await inForce(tightened());
  await sleep(1_500);
  expect(JSON.parse((await instance.cli("requests", "--json", "--as", "alice")).stdout)).toEqual([]);
});
