import { Operation, type ProposeEditResponse, type RequestDetail, RequestState } from "@countersign/rpc";
import type { RequestProgress } from "@countersign/sdk";
import { guardedTool } from "@countersign/sdk/langchain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

/** Deletes of everything also ask the leads; updates ask them alone. */
const policy = `${ordersPolicy.replace("when: sql.writes\n", `when: sql.writes && !sql.kinds.exists(k, k == "UPDATE")\n`)}
  - id: updates-ask-the-leads
    resources: [orders-db]
    when: sql.kinds.exists(k, k == "UPDATE")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [user:carol], count: 1 }], expires: 1h, validFor: 5m }
`;

let instance: Instance;
let alice: ApproverConnection;
let bob: ApproverConnection;
beforeAll(async () => {
  instance = await Instance.start({ policy });
  [alice, bob] = await Promise.all([approverClient(instance, "alice"), approverClient(instance, "bob")]);
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  bob?.[Symbol.dispose]();
  await instance?.[Symbol.asyncDispose]();
});

async function propose(
  { client, metadata }: ApproverConnection,
  id: string,
  statement: string,
  comment = "Only the duplicate.",
  digest?: string,
): Promise<RequestDetail> {
  const requestDigest = digest ?? (await getRequest(alice, id)).requestDigest;
  const operation = Operation.fromPartial({ operation: { $case: "postgresQuery", value: { statement, parameters: [] } } });
  return new Promise((resolve, reject) => {
    client.proposeEdit({ id, requestDigest, operation, comment }, metadata, (error, answer: ProposeEditResponse) => {
      if (error === null && answer.request !== undefined) resolve(answer.request);
      else reject(error ?? new Error("empty answer"));
    });
  });
}

const count = (where: string) => instance.value(`select count(*)::int from orders where ${where}`);

/** Hears of a call's events and gives the id of its request once it waits. */
function listener() {
  const events: RequestProgress[] = [];
  const waits = Promise.withResolvers<string>();
  return {
    events,
    waits: waits.promise,
    onEvent(event: RequestProgress) {
      events.push(event);
      if (event.type === "pending") waits.resolve(event.requestId);
    },
  };
}

describe("an approver edits `delete from orders` to one order", () => {
  test("the caller's own call goes on with that, only that runs, and the result says who changed what", async () => {
    await using cs = instance.client();
    const heard = listener();
    const query = cs.postgres("orders-db").query("delete from orders", [], { onEvent: heard.onEvent });
    const id = await heard.waits;
    const edited = await propose(alice, id, "delete from orders where id = 107");
    expect(edited).toMatchObject({
      replaces: id,
      replacesWhy: "Edited by alice: Only the duplicate.",
      summary: { canVote: true },
    });
    const next = edited.summary?.id ?? "";
    expect((await getRequest(alice, id)).replacedBy).toBe(next);
    await vote(alice, next, "approve");
    const result = await query;
    expect(result).toMatchObject({ command: "DELETE", rowCount: 1, requestId: next });
    expect(result.receipt?.requestId).toBe(next);
    expect(result.replaced).toEqual([
      {
        successor: next,
        why: "Edited by alice: Only the duplicate.",
        edit: {
          by: "alice",
          before: { kind: "postgres.query", statement: "delete from orders", parameters: [] },
          now: { kind: "postgres.query", statement: "delete from orders where id = 107", parameters: [] },
        },
      },
    ]);
    expect(heard.events.map(({ type }) => type)).toEqual([
      ...["decided", "pending", "replaced", "decided", "pending", "vote", "approved", "executing", "done"],
    ]);
    expect(heard.events.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await count("id = 107")).toBe(0);
    expect(await count("true")).toBeGreaterThan(400);
  });

  test("a durable one: the handle of the old request follows, also one that was made afterwards, and its rows are kept", async () => {
    await using cs = instance.client();
    const action = { kind: "postgres.query", resource: "orders-db", statement: "delete from orders" } as const;
    const handle = await cs.submit(action, { idempotencyKey: "all-of-them" });
    const edited = await propose(alice, handle.id, "delete from orders where id = 108 returning id");
    await vote(alice, edited.summary?.id ?? "", "approve");
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded", rows: [{ id: 108 }] });
    const again = await cs.request(handle.id);
    const outcome = await again.result({ timeout: "20s" });
    expect(outcome).toMatchObject({ state: "succeeded", rows: [{ id: 108 }], replaced: [{ edit: { by: "alice" } }] });
    const numbers: number[] = [];
    for await (const { sequence } of again.events()) numbers.push(sequence);
    // One more number is that of the columns.
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 9, 10]);
    // The same key with the same action is the same request, and so what took its place: nothing runs again.
    const same = await cs.submit(action, { idempotencyKey: "all-of-them" });
    expect(same.id).toBe(handle.id);
    expect(await same.result({ timeout: "20s" })).toMatchObject({ state: "succeeded", requestId: edited.summary?.id });
    const live = await cs.postgres("orders-db").query("delete from orders", [], { idempotencyKey: "all-of-them" });
    expect(live).toMatchObject({ rowCount: 1, requestId: edited.summary?.id });
  });

  test("a LangChain agent is told in one sentence", async () => {
    await using cs = instance.client();
    const heard = listener();
    const sql = guardedTool({ client: cs, resource: "orders-db", name: "sql", description: "", onEvent: heard.onEvent });
    const answer = sql.invoke({ statement: "delete from orders" });
    const edited = await propose(alice, await heard.waits, "delete from orders where id = 109");
    await vote(bob, edited.summary?.id ?? "", "approve");
    expect(JSON.parse(await answer)).toEqual({
      command: "DELETE",
      changed: 'Edited by alice: Only the duplicate: what ran is "delete from orders where id = 109", not "delete from orders".',
      rowCount: 1,
    });
  });

  test("edited twice: the caller follows to the last", async () => {
    await using cs = instance.client();
    const heard = listener();
    const query = cs.postgres("orders-db").query("delete from orders", [], { onEvent: heard.onEvent });
    const first = await propose(alice, await heard.waits, "delete from orders where id < 111");
    const second = await propose(bob, first.summary?.id ?? "", "delete from orders where id = 110", "Less.");
    await vote(alice, second.summary?.id ?? "", "approve");
    const { replaced, rowCount } = await query;
    expect(rowCount).toBe(1);
    expect(replaced?.map(({ why }) => why)).toEqual(["Edited by alice: Only the duplicate.", "Edited by bob: Less."]);
    expect(heard.events.map(({ sequence }) => sequence)).toEqual(heard.events.map((_, index) => index));
  });

  test("to something that policy lets run: it runs at once, without a vote", async () => {
    await using cs = instance.client();
    const heard = listener();
    const query = cs.postgres("orders-db").query("delete from orders", [], { onEvent: heard.onEvent });
    await propose(alice, await heard.waits, "select count(*)::int as orders from orders", "Look first.");
    expect(await query).toMatchObject({
      command: "SELECT",
      rows: [{ orders: expect.any(Number) }],
      receipt: { effect: "allow" },
    });
    expect(await count("true")).toBeGreaterThan(400);
  });
});

describe("an edit that is refused leaves the request as it is, and is recorded", () => {
  test.each([
    ["to what policy denies", "drop table orders", "Ask the platform team."],
    ["to what would ask other people", "update orders set total = 0 where id = 1", "do not ask you"],
    ["to what is not SQL", "delete form orders", "syntax error"],
    ["to two statements", "delete from orders where id = 1; drop table orders", ""],
    ["that changes nothing", "delete from orders", "Nothing was changed"],
  ])("%s", async (_name, statement, message) => {
    await using cs = instance.client();
    const handle = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement: "delete from orders" });
    await expect(propose(alice, handle.id, statement)).rejects.toMatchObject({ details: expect.stringContaining(message) });
    const request = await getRequest(alice, handle.id);
    expect(request).toMatchObject({ summary: { state: RequestState.PENDING, canVote: true }, replacedBy: "" });
    await vote(alice, handle.id, "deny");
  });

  test("by somebody who is not asked, without a word why, or over another digest", async () => {
    await using cs = instance.client();
    using mallory = await approverClient(instance, "mallory");
    const handle = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement: "delete from orders" });
    const narrow = "delete from orders where id = 1";
    await expect(propose(mallory, handle.id, narrow)).rejects.toMatchObject({
      details: expect.stringContaining("do not ask you"),
    });
    await expect(propose(alice, handle.id, narrow, " ")).rejects.toMatchObject({ details: expect.stringContaining("Say why") });
    await expect(propose(alice, handle.id, narrow, "x", `sha256:${"0".repeat(64)}`)).rejects.toMatchObject({
      details: expect.stringContaining("another digest"),
    });
    await vote(alice, handle.id, "deny");
  });
});

test("the caller cancels, or goes away, after the edit: what took the place is cancelled", async () => {
  await using cs = instance.client();
  const handle = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement: "delete from orders" });
  const edited = await propose(alice, handle.id, "delete from orders where id = 1");
  expect(await handle.cancel()).toBe("cancelled");
  await waitForState(alice, edited.summary?.id ?? "", RequestState.CANCELLED);

  const heard = listener();
  const abort = new AbortController();
  const query = cs.postgres("orders-db").query("delete from orders", [], { onEvent: heard.onEvent, signal: abort.signal });
  const other = await propose(alice, await heard.waits, "delete from orders where id = 1");
  while (!heard.events.some(({ type }) => type === "replaced")) await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort();
  await expect(query).rejects.toMatchObject({ code: "aborted" });
  await waitForState(alice, other.summary?.id ?? "", RequestState.CANCELLED);
  expect(await count("id = 1")).toBe(1);
});

test("countersign edit shows the difference and the new request; the log verifies", async () => {
  await using cs = instance.client();
  const handle = await cs.submit({
    kind: "postgres.query",
    resource: "orders-db",
    statement: "delete from orders",
    parameters: [],
  });
  const done = await instance.cli(
    ...[
      "edit",
      handle.id,
      "--as",
      "alice",
      "--yes",
      "-m",
      "Only one.",
      "--statement",
      "delete from orders where id = $1",
      "--param",
      "112",
    ],
  );
  expect(done.stdout).toContain('- delete from orders\n+ delete from orders where id = $1\n+ $1  "112"\n');
  const next = /Edited\. (req_\w+) takes the place of (req_\w+)\./.exec(done.stdout);
  expect(next?.[2]).toBe(handle.id);
  const approved = await instance.cli("approve", next?.[1] ?? "", "--as", "alice", "--yes");
  expect(approved.stdout).toContain(`${handle.id}: Edited by alice: Only one.`);
  expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded", rowCount: 1 });
  expect((await instance.cli("show", handle.id, "--as", "alice")).stdout).toContain(`by ${next?.[1]}`);
  expect((await instance.cli("audit", "verify")).code).toBe(0);
});
