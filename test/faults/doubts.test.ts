import { RequestState } from "@countersign/rpc";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { approverClient, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";
import { startRelay } from "./relay.ts";

/** Changes of order 8 run without being asked about. */
const policy = ordersPolicy
  .replace(
    "  - id: never",
    `  - id: free
    resources: [orders-db]
    when: sql.writes && sql.text.contains("of no importance")
    effect: allow
    role: writer
  - id: never`,
  )
  .replace("when: sql.writes\n", 'when: sql.writes && !sql.text.contains("of no importance")\n');

let database: Instance;
let relay: Awaited<ReturnType<typeof startRelay>>;
let instance: Instance;

beforeAll(async () => {
  database = await Instance.start();
  await database.end();
  relay = await startRelay(database.postgres.port);
  instance = await Instance.start({ shares: database, address: `127.0.0.1:${relay.port}`, policy });
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
  await relay?.close();
  await database?.[Symbol.asyncDispose]();
});
beforeEach(() => relay.open());

const total = async (id: number) => Number(await database.value(`select total from orders where id = ${id}`));

describe("au-crash: the connection breaks at COMMIT, and the database cannot be reached for a while", () => {
  test.each([
    ["and COMMIT had arrived", "after", RequestState.SUCCEEDED, 1],
    ["and COMMIT had not arrived", "before", RequestState.FAILED, 0],
  ] as const)("%s: it is unknown, and cleared up as soon as the database answers", async (_, when, state, ran) => {
    const before = await total(7);
    const id = await breakAtCommit(when);
    relay.open();
    using alice = await approverClient(instance, "alice");
    await waitForState(alice, id, state);
    expect((await total(7)) - before).toBe(ran);
    expect(await verified()).not.toContain("doubt");
  });

  test("and the process is killed (-9) meanwhile: the next one asks", async () => {
    const before = await total(7);
    const id = await breakAtCommit("after");
    await instance.end("SIGKILL");
    relay.open();
    await instance.up();
    using alice = await approverClient(instance, "alice");
    await waitForState(alice, id, RequestState.SUCCEEDED);
    expect((await total(7)) - before).toBe(1);
    expect(await verified()).not.toContain("doubt");
  });

  test("and a person says meanwhile that it did not happen: their word stands, and the log holds both", async () => {
    const id = await breakAtCommit("after");
    const said = await instance.cli("resolve", id, "--as", "did-not", "--approver", "alice", "--reason", "The row is as it was.");
    expect(said.code, said.stderr).toBe(0);
    relay.open();
    await expect.poll(verified, { timeout: 15_000 }).not.toContain("doubt");
    using alice = await approverClient(instance, "alice");
    await waitForState(alice, id, RequestState.FAILED);
    await instance.end("SIGKILL");
    await instance.up();
    using again = await approverClient(instance, "alice");
    await waitForState(again, id, RequestState.FAILED);
    expect(await verified()).not.toContain("doubt");
  });

  test("of a call that nobody was asked about: the log tells what became of it", async () => {
    const before = await total(8);
    await using cs = instance.client();
    relay.breakAtCommit("after");
    const statement = "update orders set total = total + 1 where id = 8 /* of no importance */";
    await expect(cs.postgres("orders-db").query(statement)).rejects.toMatchObject({ code: "unknown_outcome", retryable: false });
    expect(await verified()).toMatch(/1 doubt.*\n {2}req_\w+ {2}record \d+: no outcome so far/);
    relay.open();
    await expect.poll(verified, { timeout: 15_000 }).not.toContain("doubt");
    expect((await total(8)) - before).toBe(1);
  });
}, 60_000);

/** Has a statement approved whose connection breaks at COMMIT, and waits until it is told that its outcome is unknown. */
async function breakAtCommit(when: "before" | "after"): Promise<string> {
  await using cs = instance.client();
  using alice = await approverClient(instance, "alice");
  const statement = "update orders set total = total + 1 where id = $1";
  const { id } = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [7] });
  relay.breakAtCommit(when);
  await vote(alice, id, "approve");
  await waitForState(alice, id, RequestState.UNKNOWN);
  return id;
}

async function verified(): Promise<string> {
  const { stdout, stderr } = await instance.cli("audit", "verify");
  expect(stdout + stderr).toContain("intact");
  return stdout;
}
