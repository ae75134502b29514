import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RequestState } from "@countersign/rpc";
import { replacingSteps } from "@countersign/sidecar";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

const stopping = [
  process.execPath,
  "--conditions=source",
  "--no-warnings",
  fileURLToPath(new URL("stopping.ts", import.meta.url)),
];
const twoPeople = ordersPolicy.replace("count: 1", "count: 2");
/** Each run adds 1 to one order's total, so that the database counts the runs. */
const update = (id: number) =>
  ({ kind: "postgres.query", resource: "orders-db", statement: `update orders set total = total + 1 where id = ${id}` }) as const;
const total = async (id: number) => Number(await instance.value(`select floor(total)::int from orders where id = ${id}`));

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await instance.end("SIGKILL");
  put(ordersPolicy);
});

function put(text: string): void {
  writeFileSync(join(instance.folder, "policy.yaml.new"), text);
  renameSync(join(instance.folder, "policy.yaml.new"), join(instance.folder, "policy.yaml"));
}

/** The request at the end of a chain, after a restart; on the way each has ended for the next one. */
async function last(approver: ApproverConnection, id: string): Promise<string> {
  const { replacedBy, summary } = await getRequest(approver, id);
  if (replacedBy === "") return id;
  expect([RequestState.CANCELLED, RequestState.REVOKED]).toContain(summary?.state);
  expect((await getRequest(approver, replacedBy)).replaces).toBe(id);
  await expect(vote(approver, id, "approve")).rejects.toThrow(/takes no more votes/);
  return last(approver, replacedBy);
}

async function pendingIds(): Promise<readonly string[]> {
  const found: { id: string }[] = JSON.parse((await instance.cli("requests", "--json", "--as", "alice")).stdout);
  return found.map(({ id }) => id);
}

describe("au-crash: kill -9 while another request takes the place of a held one", () => {
  test.each(replacingSteps)("a policy change, at %s: after the restart one of both can run, once", async (step) => {
    await instance.up({ program: stopping, env: { STOP_AT: step } });
    const before = await total(7);
    const cs = instance.client();
    const killed = instance.ended();
    const { id } = await cs.submit(update(7));
    put(twoPeople);
    expect(await killed).toBe("SIGKILL");
    await cs.close();
    await instance.up();
    using alice = await approverClient(instance, "alice");
    using bob = await approverClient(instance, "bob");
    // What was not replaced when it was killed is decided anew at the start.
    await waitForState(alice, id, RequestState.CANCELLED);
    const now = await last(alice, id);
    expect(await pendingIds()).toEqual([now]);
    await vote(alice, now, "approve");
    expect(await total(7)).toBe(before);
    await vote(bob, now, "approve");
    await waitForState(alice, now, RequestState.SUCCEEDED);
    await using again = instance.client();
    const handle = await again.request(id);
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded", requestId: now });
    expect(await total(7)).toBe(before + 1);
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });

  test("approved and not yet claimed when it is killed, and policy asks for more at the restart: the approval is void", async () => {
    await instance.up({ program: stopping, env: { STOP_AT: "approved" } });
    const before = await total(9);
    const killed = instance.ended();
    const cs = instance.client();
    const { id } = await cs.submit(update(9));
    using first = await approverClient(instance, "alice");
    await vote(first, id, "approve").catch(() => {});
    expect(await killed).toBe("SIGKILL");
    await cs.close();
    put(twoPeople);
    await instance.up();
    using alice = await approverClient(instance, "alice");
    using bob = await approverClient(instance, "bob");
    const { votes, replacedBy } = await waitForState(alice, id, RequestState.REVOKED);
    expect(votes).toHaveLength(1);
    expect((await getRequest(alice, replacedBy)).votes).toEqual([]);
    await vote(alice, replacedBy, "approve");
    expect(await total(9)).toBe(before);
    await vote(bob, replacedBy, "approve");
    await waitForState(alice, replacedBy, RequestState.SUCCEEDED);
    expect(await total(9)).toBe(before + 1);
  });

  test.each(replacingSteps)("an edit, at %s: it happened whole or not at all", async (step) => {
    await instance.up({ program: stopping, env: { STOP_AT: step } });
    const [asked, other] = [await total(7), await total(8)];
    const cs = instance.client();
    const { id } = await cs.submit(update(7));
    const killed = instance.ended();
    const { statement } = update(8);
    await instance.cli("edit", id, "--as", "alice", "--yes", "-m", "Order 8.", "--statement", statement);
    expect(await killed).toBe("SIGKILL");
    await cs.close();
    await instance.up();
    using alice = await approverClient(instance, "alice");
    const now = await last(alice, id);
    expect(now === id).toBe(step === "redrafted");
    expect(await pendingIds()).toEqual([now]);
    await vote(alice, now, "approve");
    await waitForState(alice, now, RequestState.SUCCEEDED);
    expect([await total(7), await total(8)]).toEqual(now === id ? [asked + 1, other] : [asked, other + 1]);
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });

  test("while many are decided anew: each has one that can run, and none is lost", async () => {
    const rounds = [
      { STOP_AT: "replaced", STOP_AFTER: "1" },
      { STOP_AT: "redrafted", STOP_AFTER: "40" },
      { STOP_AT: "replaced", STOP_AFTER: "70" },
    ] as const;
    await instance.up();
    const cs = instance.client();
    const ids: string[] = [];
    for (let index = 0; index < 120; index++) ids.push((await cs.submit(update(1 + index))).id);
    await cs.close();
    let ends: readonly string[] = ids;
    for (const [round, env] of rounds.entries()) {
      await instance.end();
      await instance.up({ program: stopping, env });
      const killed = instance.ended();
      put(round % 2 === 0 ? twoPeople : ordersPolicy);
      expect(await killed).toBe("SIGKILL");
      // As it was left: some have been replaced, the others wait as before; both go on at the next start.
      await instance.up();
      using alice = await approverClient(instance, "alice");
      const now = await Promise.all(ids.map((id) => last(alice, id)));
      expect(new Set(now).size).toBe(ids.length);
      expect(now.filter((id, index) => id !== ends[index]).length).toBeGreaterThan(0);
      ends = now;
    }
    using alice = await approverClient(instance, "alice");
    for (let tries = 0; tries < 50; tries++) {
      await sleep(200);
      ends = await Promise.all(ids.map((id) => last(alice, id)));
      const all = await Promise.all(ends.map((id) => getRequest(alice, id)));
      if (all.every(({ requirements }) => requirements[0]?.stages[0]?.count === 2)) break;
    }
    expect([...(await pendingIds())].sort()).toEqual([...ends].sort());
    for (const end of ends) expect((await getRequest(alice, end)).requirements[0]?.stages[0]?.count).toBe(2);
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });
});
