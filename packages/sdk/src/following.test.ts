import { Effect, RequestState } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { Script } from "./testing-agent.ts";
import * as agent from "./testing-agent.ts";

const { numbered, decided, pending, approved, executing, columns, rows, done } = agent;

/** Holds the action; the connection breaks as soon as the caller has heard of it. */
const held: Script = { execute: (_submit, call) => void call.write(numbered(0, decided(Effect.REVIEW), pending)) };

describe.each([
  ["a shared stream", true],
  ["streams of their own", false],
])("calls on %s:", (_what, sharing) => {
  const connected = (script: Script) => agent.connected({ sharing, ...script });

  test("a sidecar that restarts while it holds the action: the caller is attached to the same request, by its id", async () => {
    await using here = await connected({
      ...held,
      watch(_request, call) {
        call.write(numbered(2, approved, executing, columns(["id", 23]), rows(["7"]), done("DELETE 1", { rows: 1 })));
        call.end();
      },
    });
    const types: string[] = [];
    const result = await here.db.query("delete", [], {
      onEvent({ type }) {
        types.push(type);
        if (type !== "pending") return;
        here.service.down();
        setTimeout(() => void here.service.up(), 300);
      },
    });
    expect(result).toMatchObject({ rows: [{ id: 7 }], command: "DELETE", digest: agent.actionDigest });
    expect(types).toEqual(["decided", "pending", "approved", "executing", "done"]);
    expect(here.service.executed).toHaveLength(1);
    expect(here.service.watched).toEqual([{ requestId: agent.requestId, afterSequence: 1 }]);
  });

  test.each([
    [
      "says that it shuts down",
      (call: agent.Viewer) => void call.emit("error", agent.failure("shutting_down", "Bye.", status.UNAVAILABLE)),
    ],
    ["ends the call without an outcome", (call: agent.Viewer) => call.end()],
  ])("also when the sidecar %s", async (_how, leave) => {
    await using here = await connected({
      execute(_submit, call) {
        call.write(numbered(0, decided(Effect.REVIEW), pending));
        leave(call);
      },
      watch(_request, call) {
        // Events that the caller has heard already are not told again.
        call.write(numbered(1, pending, approved, executing, done("DELETE 1")));
        call.end();
      },
    });
    const types: string[] = [];
    await here.db.query("delete", [], { onEvent: ({ type }) => types.push(type) });
    expect(types).toEqual(["decided", "pending", "approved", "executing", "done"]);
  });

  test("a connection that breaks before anything is known is never followed by a second attempt: it may have run", async () => {
    await using here = await connected({ execute: () => here.service.down() });
    const error = await here.db.query("delete").catch((reason) => reason);
    expect(error).toMatchObject({ code: "sidecar_unreachable", retryable: false });
    expect(error.message).toContain("may have run");
    expect(here.service.executed).toHaveLength(1);
  });

  test("with the caller's key the same action is sent again, under the same key", async () => {
    await using here = await connected({
      execute(_submit, call) {
        if (here.service.executed.length === 1) {
          here.service.down();
          setTimeout(() => void here.service.up(), 50);
          return;
        }
        call.write(numbered(0, decided(), executing, done("DELETE 1")));
        call.end();
      },
    });
    expect(await here.db.query("delete", [], { idempotencyKey: "once" })).toMatchObject({ rowCount: 1 });
    expect(here.service.executed.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["once", "once"]);
  });

  test("an allowed statement whose result breaks off has run: the error says so", async () => {
    await using here = await connected({
      execute(_submit, call) {
        call.write(numbered(0, decided(), executing, columns(["a", 25]), rows(["x"])), () => here.service.down());
      },
    });
    await expect(here.db.query("x")).rejects.toMatchObject({ code: "result_gone", requestId: agent.requestId });
    expect(here.service.executed).toHaveLength(1);
  });

  test("an approved statement that ran while the caller was away: its outcome is learned, its lost rows are said to be lost", async () => {
    await using here = await connected({
      ...held,
      watch(_request, call) {
        call.write(numbered(2, approved, executing, done("UPDATE 3", { rows: 3 })));
        call.end();
      },
    });
    const query = here.db.query("update … returning *", [], {
      onEvent({ type }) {
        if (type !== "pending") return;
        here.service.down();
        void here.service.up();
      },
    });
    await expect(query).rejects.toMatchObject({ code: "result_gone", retryable: false });
  });

  test("a denial that came while the connection was broken is heard", async () => {
    await using here = await connected({
      execute(_submit, call) {
        call.write(numbered(0, decided(Effect.REVIEW), pending));
        call.end();
      },
      watch(_request, call) {
        call.write(numbered(2, agent.ended(RequestState.DENIED, "denied", "No.")));
        call.end();
      },
    });
    await expect(here.db.query("delete")).rejects.toMatchObject({ code: "denied", message: "No." });
  });

  test("a request that the restarted sidecar does not know ends the waiting", async () => {
    await using here = await connected({
      execute(_submit, call) {
        call.write(numbered(0, decided(Effect.REVIEW), pending));
        call.end();
      },
      watch: (_request, call) =>
        void call.emit("error", agent.failure("not_found", "You have no such request.", status.NOT_FOUND)),
    });
    await expect(here.db.query("delete")).rejects.toMatchObject({ code: "not_found", requestId: agent.requestId });
  });

  test("patience also ends while the sidecar is away", async () => {
    await using here = await connected(held);
    const query = here.db.query("delete", [], { timeout: 400, onEvent: ({ type }) => type === "pending" && here.service.down() });
    await expect(query).rejects.toMatchObject({ code: "timeout", requestId: agent.requestId });
  });
});
