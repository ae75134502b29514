import { fileURLToPath } from "node:url";
import type { GuardedAction, Plan } from "@countersign/sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { approverClient, vote } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";

const stopping = [
  process.execPath,
  "--conditions=source",
  "--no-warnings",
  fileURLToPath(new URL("stopping.ts", import.meta.url)),
];

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  const verified = await instance.cli("audit", "verify");
  expect(verified.stdout).toContain("intact");
});

/** Each run adds to one order's total, so that the database counts the runs: 1 for the first line, 10 for the second, 100 for the third. */
const lines: readonly GuardedAction[] = [1, 10, 100].map((amount) => ({
  ...{ kind: "postgres.query", resource: "orders-db" },
  ...{ statement: "update orders set total = total + $2 where id = $1", parameters: [7, amount] },
}));
const total = async () => Number(await instance.value("select total from orders where id = 7"));

/** What has to be so after kill -9 at a step of the first line: how often it ran, and whether the plan goes on. */
test.each([
  ["claimed", { state: "failed", ran: 0, goesOn: false }],
  ["intent", { state: "failed", ran: 0, goesOn: false }],
  ["executed", { state: "succeeded", ran: 1, goesOn: true }],
  ["outcome", { state: "succeeded", ran: 1, goesOn: true }],
] as const)("ap-plan: kill -9 at %s of a line: it ran exactly once, or is known not to have run", async (step, want) => {
  await instance.end();
  await instance.up({ program: stopping, env: { STOP_AT: step } });
  const before = await total();
  const id = await killedWithin();
  await instance.up();
  await using cs = instance.client();
  const plan = await settled(await cs.plan(id));
  expect(plan.lines.map(({ state }) => state)).toEqual(
    want.goesOn ? ["succeeded", "approved", "approved"] : ["failed", "cancelled", "cancelled"],
  );
  expect((await total()) - before).toBe(want.ran);
  await expect(plan.run(0)).rejects.toMatchObject({ code: "not_pending" });
  if (want.goesOn) {
    for await (const outcome of plan.runAll()) expect(outcome.state).toBe("succeeded");
    expect(plan.state).toBe("succeeded");
    expect((await total()) - before).toBe(111);
  } else {
    await expect(plan.run(1)).rejects.toMatchObject({ name: "CountersignError" });
    expect(plan.state).toBe("failed");
    expect((await total()) - before).toBe(0);
  }
});

test("ap-plan: kill -9 between two lines: the plan goes on with the next", async () => {
  await instance.end();
  await instance.up();
  const before = await total();
  const id = await approved();
  {
    await using cs = instance.client();
    await (await cs.plan(id)).run(0);
  }
  await instance.end("SIGKILL");
  await instance.up();
  await using cs = instance.client();
  const plan = await cs.plan(id);
  expect(plan.lines.map(({ state }) => state)).toEqual(["succeeded", "approved", "approved"]);
  await expect(plan.run(2)).rejects.toMatchObject({ code: "out_of_order" });
  await expect(plan.run(0)).rejects.toMatchObject({ code: "not_pending" });
  for await (const outcome of plan.runAll()) expect(outcome.state).toBe("succeeded");
  expect((await total()) - before).toBe(111);
});

test("ap-plan: while the target cannot be asked what became of a line, the plan is in doubt, and nothing after it runs", async () => {
  await instance.end();
  await instance.up({ program: stopping, env: { STOP_AT: "executed" } });
  const before = await total();
  const id = await killedWithin();
  await instance.postgres.pause();
  await instance.up();
  await using cs = instance.client();
  const plan = await settled(await cs.plan(id));
  expect(plan).toMatchObject({ state: "unknown", lines: [{ state: "unknown" }, { state: "cancelled" }, { state: "cancelled" }] });
  await expect(plan.run(1)).rejects.toMatchObject({ name: "CountersignError" });
  await instance.postgres.restart();
  for (let tries = 0; tries < 300 && plan.state === "unknown"; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await plan.refresh();
  }
  // The line took effect, as is known now; the plan does not go on by itself.
  expect(plan).toMatchObject({
    state: "failed",
    lines: [{ state: "succeeded" }, { state: "cancelled" }, { state: "cancelled" }],
  });
  expect((await total()) - before).toBe(1);
});

/** Has a plan approved. */
async function approved(): Promise<string> {
  await using cs = instance.client();
  using alice = await approverClient(instance, "alice");
  const { id } = await cs.plan(lines);
  await vote(alice, id, "approve");
  return id;
}

/** Runs the first line of a plan until the process has killed itself; gives the plan's id. */
async function killedWithin(): Promise<string> {
  const killed = instance.ended();
  const id = await approved();
  const cs = instance.client();
  try {
    await expect((await cs.plan(id)).run(0)).rejects.toMatchObject({
      code: "sidecar_unreachable",
      retryable: false,
      requestId: id,
    });
    expect(await killed).toBe("SIGKILL");
    return id;
  } finally {
    await cs.close();
  }
}

/** Waits until it is known what became of the line that was at work. */
async function settled(plan: Plan): Promise<Plan> {
  for (let tries = 0; tries < 300 && plan.lines[0]?.state === "executing"; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await plan.refresh();
  }
  return plan;
}
