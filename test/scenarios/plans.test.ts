import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestState } from "@countersign/rpc";
import type { Countersign, GuardedAction, LineOutcome, Plan } from "@countersign/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { approverClient, getRequest, vote } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

let instance: Instance;
let cs: Countersign;

beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  const verified = await instance?.cli("audit", "verify");
  await instance?.[Symbol.asyncDispose]();
  // Whatever the tests did, the log tells a story that can be true.
  expect(verified?.stdout).toContain("intact");
});
beforeEach(() => {
  cs = instance.client();
});
afterEach(async () => {
  await cs.close();
});

/** Adds to the total of one order, so that the database counts the runs. */
const add = (id: number, amount = 1): GuardedAction => ({
  ...{ kind: "postgres.query", resource: "orders-db" },
  ...{ statement: "update orders set total = total + $2 where id = $1", parameters: [id, amount] },
});
const total = async (id: number) => Number(await instance.value(`select total from orders where id = ${id}`));
const read: GuardedAction = {
  kind: "postgres.query",
  resource: "orders-db",
  statement: "select count(*)::int as count from orders",
};

/** Approves as alice, without the lines struck, numbered from 1. */
async function approve(id: string, strike = ""): Promise<string> {
  const done = await instance.cli("approve", id, "--yes", "--as", "alice", ...(strike === "" ? [] : ["--strike", strike]));
  expect(done.stderr).toBe("");
  return done.stdout;
}

async function approvedPlan(...actions: readonly GuardedAction[]): Promise<Plan> {
  const plan = await cs.plan(actions, { reason: "month end" });
  await approve(plan.id);
  return plan.approved();
}

async function records(): Promise<{ type: string; request?: string; detail: Record<string, unknown> }[]> {
  const folder = join(instance.folder, `export-${Math.random()}`);
  expect((await instance.cli("audit", "export", folder)).code).toBe(0);
  return readFileSync(join(folder, "records.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("three lines, one struck", () => {
  test("the others run in order, each once; people, the agent and the log see which", async () => {
    const [first, second, third] = await Promise.all([total(1), total(2), total(3)]);
    const plan = await cs.plan([add(1), add(2), add(3)], { reason: "month end" });
    expect(plan).toMatchObject({ state: "pending", approvalUrl: expect.stringContaining(plan.id) });
    expect((await instance.cli("requests", "--as", "bob")).stdout).toContain("plan of 3");
    const shown = (await instance.cli("show", plan.id, "--as", "bob")).stdout;
    expect(shown).toMatch(/3 lines, in this order[\s\S]*1\. on orders-db, as writer \(writes-need-a-human\)[\s\S]*\$1 {2}"2"/);
    await approve(plan.id, "2");

    const outcomes: LineOutcome[] = [];
    for await (const outcome of plan.runAll()) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { index: 0, state: "succeeded", command: "UPDATE", rowCount: 1, receipt: { effect: "review" } },
      { index: 2, state: "succeeded", command: "UPDATE", rowCount: 1 },
    ]);
    expect([await total(1), await total(2), await total(3)]).toEqual([first + 1, second, third + 1]);
    expect(plan.state).toBe("succeeded");
    expect(plan.lines.map(({ state, struck }) => [state, struck])).toEqual([
      ["succeeded", false],
      ["cancelled", true],
      ["succeeded", false],
    ]);

    using bob = await approverClient(instance, "bob");
    const detail = await getRequest(bob, plan.id);
    expect(detail.summary).toMatchObject({
      state: RequestState.SUCCEEDED,
      headline: expect.stringMatching(/^plan of 3: update/),
    });
    expect(detail.plan.map(({ state, struck, role }) => [state, struck, role])).toEqual([
      [RequestState.SUCCEEDED, false, "writer"],
      [RequestState.CANCELLED, true, "writer"],
      [RequestState.SUCCEEDED, false, "writer"],
    ]);
    const about = (await records()).filter(({ request }) => request === plan.id);
    expect(about.filter(({ type }) => type === "intent").map(({ detail }) => [detail.effect, detail.line])).toEqual([
      ["plan", 0],
      ["plan", 2],
    ]);
    expect(about.findLast(({ type }) => type === "state")?.detail).toMatchObject({
      to: "succeeded",
      plan: { ran: [0, 2], struck: [1], notReached: [] },
    });
  });

  test("neither the struck line nor one that ran can run, then or later", async () => {
    const before = await total(4);
    const plan = await cs.plan([add(4), add(4, 10), add(4, 100)]);
    await approve(plan.id, "2");
    await plan.approved();
    await expect(plan.run(1)).rejects.toMatchObject({ code: "denied", message: expect.stringContaining("struck out") });
    expect((await plan.run(0)).state).toBe("succeeded");
    await expect(plan.run(0)).rejects.toMatchObject({ code: "not_pending" });
    expect((await plan.run(2)).state).toBe("succeeded");
    await expect(plan.run(2)).rejects.toMatchObject({ code: "not_pending" });
    expect(await total(4)).toBe(before + 101);
  });

  test("all lines cannot be struck, nor what is no plan", async () => {
    const plan = await cs.plan([add(5), add(6)]);
    const all = await instance.cli("approve", plan.id, "--yes", "--as", "alice", "--strike", "1,2");
    expect(all).toMatchObject({ code: 2, stderr: expect.stringContaining("Deny the plan instead") });
    const none = await instance.cli("approve", plan.id, "--yes", "--as", "alice", "--strike", "3");
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no line 3") });
    const single = await cs.submit(add(5));
    const odd = await instance.cli("approve", single.id, "--yes", "--as", "alice", "--strike", "1");
    expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("no plan") });
    const refusals = (await records()).filter(({ type, detail }) => type === "vote" && detail.code === "invalid_request");
    expect(refusals).toHaveLength(3);
    await plan.cancel();
    await single.cancel();
  });
});

describe("order and completeness", () => {
  test("a line out of order, a changed line and a second run are refused by the sidecar, and recorded", async () => {
    const before = await total(7);
    const plan = await approvedPlan(add(7), add(7, 10));
    await expect(plan.run(1)).rejects.toMatchObject({
      code: "out_of_order",
      message: expect.stringContaining("line 1 comes before"),
    });
    await expect(plan.run(add(7, 1000))).rejects.toMatchObject({ code: "digest_mismatch" });
    await expect(plan.run({ ...read })).rejects.toMatchObject({ code: "digest_mismatch" });
    expect((await plan.run(add(7))).index).toBe(0);
    await expect(plan.run(0)).rejects.toMatchObject({ code: "not_pending" });
    expect((await plan.run(add(7, 10))).index).toBe(1);
    expect(await total(7)).toBe(before + 11);
    const codes = (await records()).flatMap(({ type, request, detail }) =>
      type === "refusal" && request === plan.id ? [detail.code] : [],
    );
    expect(codes).toEqual(["out_of_order", "digest_mismatch", "digest_mismatch", "not_pending"]);
  });

  test("two calls at once for one line: it runs once", async () => {
    const before = await total(8);
    const plan = await approvedPlan(add(8), add(9));
    const results = await Promise.allSettled([plan.run(0), plan.run(0), plan.run(1)]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await total(8)).toBe(before + 1);
    await plan.cancel();
  });

  test("a line that fails stops the plan: what is left does not run", async () => {
    const before = await total(10);
    const fails: GuardedAction = {
      ...{ kind: "postgres.query", resource: add(10).resource },
      statement: "update orders set id = 10 where id = $1 or total = $2",
      parameters: [11, 0],
    };
    const plan = await approvedPlan(add(10), fails, add(10, 100));
    const outcomes: LineOutcome[] = [];
    for await (const outcome of plan.runAll()) outcomes.push(outcome);
    expect(outcomes.map(({ state }) => state)).toEqual(["succeeded", "failed"]);
    expect(outcomes[1]?.error).toMatchObject({ code: "target_error", targetCode: "23505" });
    expect(plan.state).toBe("failed");
    expect(plan.lines.map(({ state }) => state)).toEqual(["succeeded", "failed", "cancelled"]);
    await expect(plan.run(2)).rejects.toMatchObject({ message: expect.stringContaining("Line 3 was not reached") });
    expect(await total(10)).toBe(before + 1);
  });

  test("lines that policy allows need nobody, and a plan of them runs at once, by several roles", async () => {
    const plan = await cs.plan([read, read]);
    expect(plan).toMatchObject({ state: "approved", approvalUrl: "" });
    const results = [];
    for await (const { rows } of plan.runAll()) results.push(...rows);
    expect(results).toEqual([{ count: 500 }, { count: 500 }]);
    const mixed = await approvedPlan(read, add(12));
    using bob = await approverClient(instance, "bob");
    expect((await getRequest(bob, mixed.id)).plan.map(({ role, rules }) => [role, rules])).toEqual([
      ["reader", ["reads-are-free"]],
      ["writer", ["writes-need-a-human"]],
    ]);
    for await (const outcome of mixed.runAll()) expect(outcome.state).toBe("succeeded");
  });
});

describe("what cannot be planned", () => {
  test("an unknown resource: its own code, the line, and a record", async () => {
    const odd = { ...add(1), resource: "orders-dv" };
    await expect(cs.plan([add(1), odd])).rejects.toMatchObject({
      code: "unknown_resource",
      message: expect.stringMatching(/^Line 2: .*orders-dv/),
    });
    const refusal = (await records()).findLast(({ type }) => type === "refusal");
    expect(refusal?.detail.code).toBe("unknown_resource");
  });

  test("one line that policy denies denies the plan, and names it with the rule and its message", async () => {
    const plan = await cs.plan([add(1), { ...read, statement: "drop table orders" }]);
    expect(plan).toMatchObject({ id: "", state: "denied" });
    const denied = { code: "denied", message: expect.stringMatching(/^Line 2: .*never.*Ask the platform team/) };
    await expect(plan.approved()).rejects.toMatchObject(denied);
    await expect(plan.run(0)).rejects.toMatchObject(denied);
  });

  test("no lines, and too many", async () => {
    await expect(cs.plan([])).rejects.toMatchObject({ code: "invalid_request" });
    await expect(cs.plan([{ ...read, resource: "" }])).rejects.toMatchObject({ code: "unknown_resource" });
    await expect(cs.plan([{ ...read, resource: `${"x".repeat(99)}😀` }])).rejects.toMatchObject({ code: "unknown_resource" });
    await expect(cs.plan(Array.from({ length: 101 }, () => read))).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("a plan is edited by nobody, and its caller's plan is nobody else's", async () => {
    const single = await cs.submit(add(1));
    await expect(cs.plan(single.id)).rejects.toMatchObject({ code: "invalid_request" });
    await expect(cs.plan("req_none")).rejects.toMatchObject({ code: "not_found" });
    await single.cancel();
  });
});

describe("what happens between two lines", () => {
  test("revoked: nothing that is left runs", async () => {
    const before = await total(20);
    const plan = await approvedPlan(add(20), add(20, 10));
    await plan.run(0);
    using bob = await approverClient(instance, "bob");
    await new Promise<void>((resolve, reject) => {
      bob.client.revoke({ id: plan.id, reason: "wrong month" }, bob.metadata, (error) => (error ? reject(error) : resolve()));
    });
    await expect(plan.run(1)).rejects.toMatchObject({ code: "revoked", message: expect.stringContaining("wrong month") });
    await plan.refresh();
    expect(plan.state).toBe("failed");
    expect(plan.lines.map(({ state }) => state)).toEqual(["succeeded", "cancelled"]);
    expect(await total(20)).toBe(before + 1);
  });

  test("its resource is locked, and the lock is lifted: the plan stays ended", async () => {
    const before = await total(21);
    const plan = await approvedPlan(add(21), add(21, 10));
    await plan.run(0);
    using bob = await approverClient(instance, "bob");
    const lock = await new Promise<string>((resolve, reject) => {
      const target = { target: { $case: "resource" as const, value: "orders-db" } };
      bob.client.lock({ target, reason: "maintenance" }, bob.metadata, (error, answer) =>
        error ? reject(error) : resolve(answer.lock?.id ?? ""),
      );
    });
    await expect(plan.run(1)).rejects.toMatchObject({ code: "revoked" });
    await new Promise<void>((resolve, reject) => {
      bob.client.liftLock({ id: lock, reason: "done" }, bob.metadata, (error) => (error ? reject(error) : resolve()));
    });
    await expect(plan.run(1)).rejects.toMatchObject({ code: "revoked" });
    expect(await total(21)).toBe(before + 1);
  });

  test("cancelled by its caller", async () => {
    const plan = await approvedPlan(add(22), add(22));
    await plan.run(0);
    await plan.cancel();
    await expect(plan.run(1)).rejects.toMatchObject({ code: "cancelled" });
  });

  test("policy is tightened: the next line does not run", async () => {
    const before = await total(23);
    const plan = await approvedPlan(add(23), add(23, 10));
    await plan.run(0);
    await inForce(`${ordersPolicy}  - { id: freeze, effect: deny, when: sql.writes, message: Frozen. }\n`);
    await expect(plan.run(1)).rejects.toMatchObject({ code: "revoked" });
    expect((await plan.refresh()).state).toBe("failed");
    await inForce(`# again\n${ordersPolicy}`);
    await expect(plan.run(1)).rejects.toMatchObject({ code: "revoked" });
    expect(await total(23)).toBe(before + 1);
  });

  test("its time is up: what is left is not reached", async () => {
    await inForce(ordersPolicy.replace("validFor: 5m", "validFor: 2s"));
    const before = await total(24);
    const plan = await approvedPlan(add(24), add(24, 10));
    await plan.run(0);
    await sleep(2_200);
    await expect(plan.run(1)).rejects.toMatchObject({
      code: "expired",
      message: expect.stringContaining("Line 2 was not reached"),
    });
    expect((await plan.refresh()).lines.map(({ state }) => state)).toEqual(["succeeded", "cancelled"]);
    expect(await total(24)).toBe(before + 1);
    const late = await approvedPlan(add(24));
    await sleep(2_200);
    await expect(late.run(0)).rejects.toMatchObject({ code: "expired" });
    expect((await late.refresh()).state).toBe("expired");
    await inForce(`# once more\n${ordersPolicy}`);
  });
});

test("a simulation asks a draft of policy about every line of a plan by itself", async () => {
  const since = new Date().toISOString();
  const plan = await cs.plan([add(33), read]);
  await plan.cancel();
  const frozen = `${ordersPolicy}  - { id: freeze, effect: deny, when: sql.writes, message: Frozen. }\n`;
  writeFileSync(join(instance.folder, "draft.yaml"), frozen);
  const { stdout } = await instance.cli("policy", "simulate", "--draft", "draft.yaml", "--since", since, "--json");
  const report = JSON.parse(stdout);
  expect(report.notReplayed).toMatchObject({ unreadable: 0, notConfigured: {} });
  expect(report).toMatchObject({ replayed: 2, groups: [{ change: "newly-refused", count: 1 }] });
});

test("a denied plan runs nothing, and who waits is told", async () => {
  const plan = await cs.plan([add(30), add(31)]);
  const waiting = plan.approved();
  using alice = await approverClient(instance, "alice");
  await vote(alice, plan.id, "deny");
  await expect(waiting).rejects.toMatchObject({ code: "denied" });
  await expect(plan.run(0)).rejects.toMatchObject({ code: "denied" });
});

test("whoever stops waiting leaves the plan as it is", async () => {
  const plan = await cs.plan([add(32)]);
  await expect(plan.approved({ timeout: 100 })).rejects.toMatchObject({ code: "timeout" });
  await expect(plan.approved({ signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: "aborted" });
  expect((await plan.refresh()).state).toBe("pending");
  await approve(plan.id);
  expect((await (await cs.plan(plan.id)).approved()).state).toBe("approved");
  await plan.cancel();
});

/** Puts a policy in force and waits until it decides. */
async function inForce(text: string): Promise<void> {
  const status = async () => JSON.parse((await instance.cli("policy", "status", "--json")).stdout).digest;
  const before = await status();
  writeFileSync(join(instance.folder, "policy.yaml.new"), text);
  renameSync(join(instance.folder, "policy.yaml.new"), join(instance.folder, "policy.yaml"));
  for (let tries = 0; tries < 100 && (await status()) === before; tries++) await sleep(50);
}
