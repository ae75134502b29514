import { fileURLToPath } from "node:url";
import { RequestState } from "@countersign/rpc";
import { type Step, steps } from "@countersign/sidecar";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";

const stopping = [
  process.execPath,
  "--conditions=source",
  "--no-warnings",
  fileURLToPath(new URL("stopping.ts", import.meta.url)),
];

/** What has to be so after a restart: how the request stands, and how often the statement ran. */
const expected = {
  held: { state: "pending", ran: 0 },
  approved: { state: "succeeded", ran: 1 },
  claimed: { state: "failed", ran: 0 },
  intent: { state: "failed", ran: 0 },
  executed: { state: "succeeded", ran: 1 },
  outcome: { state: "succeeded", ran: 1 },
} as const satisfies Record<(typeof steps)[number], { state: string; ran: number }>;

const wireState = { pending: RequestState.PENDING, succeeded: RequestState.SUCCEEDED, failed: RequestState.FAILED } as const;

/** Each run adds 1 to one order's total, so that the database counts the runs. */
const statement = "update orders set total = total + 1 where id = $1";

let instance: Instance;

beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await instance.end();
});

describe("au-crash: kill -9, then restart", () => {
  test.each(steps)("at %s: held again, or ran exactly once, or known not to have run", async (step) => {
    await instance.up({ program: stopping, env: { STOP_AT: step } });
    const before = Number(await instance.value("select total from orders where id = 7"));
    const id = await submitUntilKilled(step);
    await instance.up();

    using alice = await approverClient(instance, "alice");
    const want = expected[step];
    const request = await waitForState(alice, id, wireState[want.state]);
    expect(Number(await instance.value("select total from orders where id = 7")) - before).toBe(want.ran);
    if (want.state === "failed") expect(request.outcome?.error?.code).toBe("target_lost");
    if (want.state === "pending") {
      await vote(alice, id, "approve");
      await waitForState(alice, id, RequestState.SUCCEEDED);
      expect(Number(await instance.value("select total from orders where id = 7")) - before).toBe(1);
    }
    const verified = await instance.cli("audit", "verify");
    expect(verified.stdout + verified.stderr).toContain("intact");
    expect(verified.code).toBe(0);
  });

  test("while the target cannot be asked, the doubt is `unknown`; once it can, it is resolved", async () => {
    await instance.up({ program: stopping, env: { STOP_AT: "executed" } });
    const before = Number(await instance.value("select total from orders where id = 7"));
    const id = await submitUntilKilled("executed");
    await instance.postgres.pause();
    await instance.up();
    using alice = await approverClient(instance, "alice");
    await waitForState(alice, id, RequestState.UNKNOWN);
    await instance.postgres.restart();
    await waitForState(alice, id, RequestState.SUCCEEDED);
    expect(Number(await instance.value("select total from orders where id = 7")) - before).toBe(1);
  });

  test("between what the target says and the request's end: the next start ends it by what the log holds", async () => {
    await instance.up({ program: stopping, env: { STOP_AT: "executed" } });
    const before = Number(await instance.value("select total from orders where id = 7"));
    const id = await submitUntilKilled("executed");
    await instance.postgres.pause();
    await instance.up();
    {
      using alice = await approverClient(instance, "alice");
      await waitForState(alice, id, RequestState.UNKNOWN);
    }
    await instance.end("SIGKILL");
    await instance.postgres.restart();
    // It may have told that it is ready before.
    await instance.up({ program: stopping, env: { STOP_AT: "resolved" } }).catch(() => {});
    expect(await instance.ended()).toBe("SIGKILL");
    await instance.up();
    using alice = await approverClient(instance, "alice");
    await waitForState(alice, id, RequestState.SUCCEEDED);
    expect(Number(await instance.value("select total from orders where id = 7")) - before).toBe(1);
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });

  test("an allowed read that was cut off is recorded as such and nothing waits for it", async () => {
    await instance.up({ program: stopping, env: { STOP_AT: "intent" } });
    await using cs = instance.client();
    const read = cs.postgres("orders-db").query("select 1 as one");
    await expect(read).rejects.toMatchObject({ name: "CountersignError" });
    await instance.ended();
    await instance.up();
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });
});

/** Submits a durable request and approves it, until the process has killed itself; gives the request's id. */
async function submitUntilKilled(step: Step): Promise<string> {
  const cs = instance.client();
  const killed = instance.ended();
  using alice = await approverClient(instance, "alice");
  try {
    const handle = cs.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [7] });
    if (step === "held") {
      await handle.catch(() => {});
      await killed;
      return await newestId();
    }
    const { id } = await handle;
    // The answer to the vote may never come: the process dies on the way.
    await vote(alice, id, "approve").catch(() => {});
    expect(await killed).toBe("SIGKILL");
    return id;
  } finally {
    await cs.close();
  }
}

/** The id of the newest request, asked of the restarted process. */
async function newestId(): Promise<string> {
  await instance.up();
  const { stdout } = await instance.cli("requests", "--json", "--as", "alice");
  await instance.end();
  const [newest] = JSON.parse(stdout).requests ?? JSON.parse(stdout);
  return newest.id;
}

test("what a restart finds is still bound to what was asked: the request shows the same digest", async () => {
  await instance.up();
  await using cs = instance.client();
  const { id, digest } = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [8] });
  await instance.end("SIGKILL");
  await instance.up();
  using alice = await approverClient(instance, "alice");
  expect((await getRequest(alice, id)).actionDigest).toBe(digest);
});
