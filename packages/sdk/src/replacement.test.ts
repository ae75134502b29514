import { type Event, RequestState } from "@countersign/rpc";
import { expect, test } from "vitest";
import { guardedTool } from "./langchain/guarded-tool.ts";
import * as agent from "./testing-agent.ts";
import { connected, type Script } from "./testing-agent.ts";

const { decided, pending, approved, executing, done } = agent;
const successor = "req_0000000000000000000000next";
const operation = (statement: string) => agent.heldQuery(statement, "7");
const edited: NonNullable<Event["event"]> = {
  $case: "replaced",
  value: {
    requestId: successor,
    why: "Edited by alice: only the duplicate.",
    operation: operation("delete from orders where id = $1"),
    before: operation("delete from orders"),
    editedBy: "alice",
  },
};
const changedPolicy: NonNullable<Event["event"]> = {
  $case: "replaced",
  value: { requestId: successor, why: "The policy has changed.", operation: undefined, before: undefined, editedBy: "" },
};

/** Events of one request, then of the one that took its place, numbered on. */
function following(first: NonNullable<Event["event"]>[], then: NonNullable<Event["event"]>[]): { events: Event[] } {
  const { events } = agent.numbered(0, ...first, ...then);
  return { events: events.map((event, index) => (index < first.length ? event : { ...event, requestId: successor })) };
}
const answering = (first: NonNullable<Event["event"]>[], then: NonNullable<Event["event"]>[]): Script => ({
  execute(_submit, call) {
    call.write(following(first, then));
    call.end();
  },
});

test("a query tells what an approver changed: by whom, why, from what to what", async () => {
  await using here = await connected(
    answering([decided(), pending, edited], [decided(), pending, approved, executing, done("DELETE 1")]),
  );
  const types: string[] = [];
  const result = await here.db.query("delete from orders", [], { onEvent: ({ type }) => types.push(type) });
  expect(types).toEqual(["decided", "pending", "replaced", "decided", "pending", "approved", "executing", "done"]);
  expect(result).toMatchObject({ requestId: successor, command: "DELETE", rowCount: 1 });
  expect(result.replaced).toEqual([
    {
      ...{ successor, why: "Edited by alice: only the duplicate." },
      edit: {
        by: "alice",
        before: { kind: "postgres.query", statement: "delete from orders", parameters: ["7"] },
        now: { kind: "postgres.query", statement: "delete from orders where id = $1", parameters: ["7"] },
      },
    },
  ]);
});

test("a changed policy is told without an edit, and what nothing took the place of tells of nothing", async () => {
  await using here = await connected(answering([decided(), pending, changedPolicy], [decided(), executing, done("DELETE 1")]));
  expect((await here.db.query("delete")).replaced).toEqual([{ successor, why: "The policy has changed." }]);
  await using plain = await connected(answering([decided(), executing, done("DELETE 1")], []));
  expect(await plain.db.query("delete")).not.toHaveProperty("replaced");
});

test("the connection breaks after the replacement: it attaches to what was asked for, after the last number", async () => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(following([decided(), pending, edited], [decided(), pending]));
    },
    watch(_request, call) {
      const { events } = following([decided(), pending, edited], [decided(), pending, approved, executing, done("DELETE 1")]);
      call.write({ events: events.slice(5) });
      call.end();
    },
  });
  let seen = 0;
  const result = await here.db.query("delete", [], {
    onEvent({ type }) {
      if (type !== "pending" || ++seen < 2) return;
      here.service.down();
      void here.service.up();
    },
  });
  expect(result.requestId).toBe(successor);
  expect(here.service.watched).toMatchObject([{ requestId: agent.requestId, afterSequence: 4 }]);
});

test("a handle's events and result say it too", async () => {
  await using here = await connected({
    watch(_request, call) {
      call.write(
        following([decided(), pending, edited], [decided(), pending, agent.ended(RequestState.DENIED, "denied", "No.")]),
      );
      call.end();
    },
  });
  const handle = await here.cs.request(agent.requestId);
  const replaced = [];
  for await (const event of handle.events()) if (event.type === "replaced") replaced.push(event);
  expect(replaced).toMatchObject([{ requestId: agent.requestId, successor, sequence: 2, edit: { by: "alice" } }]);
  expect(await handle.result()).toMatchObject({ state: "denied", requestId: successor, replaced: [{ successor }] });
});

test("a model is told in one sentence what ran in the place of what it asked for", async () => {
  await using here = await connected(
    answering([decided(), pending, edited], [decided(), pending, approved, executing, done("DELETE 1")]),
  );
  const sql = guardedTool({ client: here.cs, resource: "orders-db", name: "sql", description: "" });
  const answer = JSON.parse(await sql.invoke({ statement: "delete from orders" }));
  expect(answer.changed).toBe(
    'Edited by alice: only the duplicate: what ran is "delete from orders where id = $1" with $1 = "7", not "delete from orders" with $1 = "7".',
  );
});

test("and when it did not run, what was to run", async () => {
  await using here = await connected(
    answering([decided(), pending, edited], [decided(), pending, agent.ended(RequestState.DENIED, "denied", "No.")]),
  );
  const sql = guardedTool({ client: here.cs, resource: "orders-db", name: "sql", description: "" });
  const text = await sql.invoke({ statement: "delete from orders" });
  expect(text).toContain("denied: No. It did not run.");
  expect(text).toContain('what was to run is "delete from orders where id = $1"');
  await using policy = await connected(answering([decided(), pending, changedPolicy], [decided(), executing, done("DELETE 1")]));
  const other = guardedTool({ client: policy.cs, resource: "orders-db", name: "sql", description: "" });
  expect(await other.invoke({ statement: "delete" })).toBe('{"command":"DELETE","rowCount":1}');
});
