import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Effect } from "@countersign/rpc";
import { status } from "@grpc/grpc-js";
import { expect, test, vi } from "vitest";
import * as agent from "./testing-agent.ts";
import { connected, queryOf, type Script } from "./testing-agent.ts";
import type { ExecuteCall } from "./testing-multiplex.ts";

const { numbered, decided, pending, executing, columns, rows, done } = agent;

const answer = (call: ExecuteCall) => {
  call.write(numbered(0, decided(), executing, done("SELECT 0")));
  call.end();
};
const answers: Script = { execute: (_submit, call) => answer(call) };
const statementOf = (submit: Parameters<NonNullable<Script["execute"]>>[0]) => queryOf(submit)?.statement;

test("calls that start together travel in one message, later ones on the same stream", async () => {
  await using here = await connected(answers);
  await Promise.all(["a", "b", "c"].map((statement) => here.db.query(statement)));
  await here.db.query("d");
  expect(here.service.shared).toHaveLength(1);
  expect(here.service.shared[0]?.messages.map(({ frames }) => frames.map(({ call }) => call))).toEqual([[1, 2, 3], [4]]);
  expect(here.service.own).toBe(0);
});

test("many calls that start together are not one message without bound", async () => {
  await using here = await connected(answers);
  const statement = "x".repeat(10_000);
  await Promise.all(Array.from({ length: 20 }, () => here.db.query(statement)));
  const sizes = here.service.shared[0]?.messages.map(({ frames }) => frames.length) ?? [];
  expect(Math.max(...sizes)).toBe(4);
  expect(here.service.executed).toHaveLength(20);
});

test("a large action has a stream of its own, so that the sidecar's bound on messages cannot end the calls of others", async () => {
  await using here = await connected(answers);
  await here.db.query("select $1", ["x".repeat(20_000)]);
  await here.db.query("select $1", [Buffer.alloc(20_000)]);
  await here.db.query("x".repeat(20_000));
  await here.db.query("x".repeat(10_000));
  expect(here.service.own).toBe(3);
  expect(here.service.executed).toHaveLength(4);
});

test("calls beyond a thousand that are held have streams of their own", async () => {
  await using here = await connected({
    execute: (_submit, call) => void call.write(numbered(0, decided(Effect.REVIEW), pending)),
  });
  const abort = new AbortController();
  const queries = Array.from({ length: 1010 }, () => here.db.query("x", [], { signal: abort.signal }).catch(({ code }) => code));
  await vi.waitFor(() => expect(here.service.executed).toHaveLength(1010), 10_000);
  expect(here.service.own).toBe(10);
  abort.abort();
  expect(new Set(await Promise.all(queries))).toEqual(new Set(["aborted"]));
});

test("another token gets another stream; the calls on the old one end there", async () => {
  let token = "one";
  const held: ExecuteCall[] = [];
  const script: Script = { execute: (submit, call) => (statementOf(submit) === "held" ? void held.push(call) : answer(call)) };
  await using here = await connected(script, { token: async () => token });
  const waiting = here.db.query("held");
  await here.db.query("x");
  token = "two";
  await Promise.all([here.db.query("y"), here.db.query("z")]);
  const { shared } = here.service;
  expect(shared.map(({ stream }) => stream.metadata.get("authorization"))).toEqual([["Bearer one"], ["Bearer two"]]);
  expect(shared.map((one) => one.frames("execute").length)).toEqual([2, 2]);
  expect(shared[0]?.ended).toBe(false);
  for (const call of held) answer(call);
  await waiting;
  await vi.waitFor(() => expect(shared[0]?.ended).toBe(true));
});

test("a stream that nobody uses is ended; the next call opens another", async () => {
  await using here = await connected(answers);
  await here.db.query("x");
  await vi.waitFor(() => expect(here.service.shared[0]?.ended).toBe(true));
  await here.db.query("x");
  expect(here.service.shared).toHaveLength(2);
});

test("a stream with a call that is held is not ended", async () => {
  const held: ExecuteCall[] = [];
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(Effect.REVIEW), pending));
      held.push(call);
    },
  });
  const query = here.db.query("x");
  await sleep(300);
  expect(here.service.shared[0]?.ended).toBe(false);
  held[0]?.write(numbered(2, done("SELECT 0")));
  held[0]?.end();
  await query;
});

test("a client that was not closed does not keep its process alive", async () => {
  await using here = await connected(answers);
  const program = `
    import { Countersign } from ${JSON.stringify(new URL("client.ts", import.meta.url).href)};
    await new Countersign({ address: ${JSON.stringify(here.service.address)} }).postgres("x").query("x");
    const answered = performance.now();
    process.on("exit", () => process.stdout.write(String(performance.now() - answered)));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--no-warnings", "--conditions=source", "--input-type=module", "--eval", program],
    { timeout: 15_000 },
  );
  expect(Number(stdout)).toBeLessThan(1000);
});

test("a sidecar that knows no shared streams is asked once, and calls go on as calls of their own", async () => {
  await using here = await connected({ ...answers, sharing: false });
  await Promise.all([here.db.query("a"), here.db.query("b")]);
  await here.db.query("c");
  expect(here.service.own).toBe(3);
  expect(here.service.executed).toHaveLength(3);
});

test("what a broken stream has carried is not sent again as a call of its own, whatever status it ends with", async () => {
  await using here = await connected({
    execute(submit, call) {
      if (statementOf(submit) === "a") answer(call);
      else call.emit("error", Object.assign(new Error("lost"), { code: status.UNIMPLEMENTED, details: "lost" }));
    },
  });
  await here.db.query("a");
  await expect(here.db.query("b")).rejects.toMatchObject({ code: "internal" });
  expect(here.service.executed.map(statementOf)).toEqual(["a", "b"]);
  expect(here.service.own).toBe(0);
});

test("a stream that breaks: who is held is attached again, who may have run is told so, who had ended has ended", async () => {
  await using here = await connected({
    execute(submit, call) {
      if (statementOf(submit) === "short") answer(call);
      if (statementOf(submit) === "held") call.write(numbered(0, decided(Effect.REVIEW), pending));
    },
    watch(_request, call) {
      call.write(numbered(2, done("DELETE 1")));
      call.end();
    },
  });
  const unanswered = here.db.query("unanswered").catch((error) => error);
  const held = here.db.query("held", [], {
    onEvent({ type }) {
      if (type !== "pending") return;
      here.service.down();
      void here.service.up();
    },
  });
  expect(await here.db.query("short")).toMatchObject({ command: "SELECT" });
  expect(await held).toMatchObject({ rowCount: 1 });
  expect(await unanswered).toMatchObject({ code: "sidecar_unreachable", retryable: false });
  expect(here.service.executed).toHaveLength(3);
});

test("calls that a stopping sidecar has not looked at may be made again; those it has may have run", async () => {
  await using here = await connected({
    execute() {
      // It says that it has looked at the first call only.
      const [shared] = here.service.shared;
      if (here.service.executed.length === 2) shared?.stream.write({ frames: [], lastCall: 1 }, () => shared.stream.end());
    },
  });
  const errors = await Promise.all(["a", "b"].map((statement) => here.db.query(statement).catch((error) => error)));
  expect(errors).toMatchObject([
    { code: "sidecar_unreachable", retryable: false },
    { code: "sidecar_unreachable", retryable: true },
  ]);
});

test("a sidecar that says that it stops is not asked on the same stream again", async () => {
  await using here = await connected({
    execute(submit, call) {
      answer(call);
      if (statementOf(submit) === "last") here.service.shared[0]?.stream.write({ frames: [], lastCall: 1 });
    },
  });
  await here.db.query("last");
  await vi.waitFor(() => expect(here.service.shared[0]?.ended).toBe(true));
  await here.db.query("next");
  expect(here.service.shared).toHaveLength(2);
});

test("the sidecar's word about one call is not about the others", async () => {
  await using here = await connected({
    execute(submit, call) {
      if (statementOf(submit) === "good") answer(call);
      else call.emit("error", agent.failure("unknown_resource", "There is none.", status.NOT_FOUND));
    },
  });
  const good = here.db.query("good");
  await expect(here.db.query("bad")).rejects.toMatchObject({ code: "unknown_resource", message: "There is none." });
  expect(await good).toMatchObject({ command: "SELECT" });
  expect(here.service.shared).toHaveLength(1);
});

test("a reader that takes nothing gives no credit, and others go on", async () => {
  const chunk = rows(...Array.from({ length: 500 }, (_, index) => [String(index), "x".repeat(60)]));
  const chunks = 100;
  let sent = 0;
  await using here = await connected({
    execute(submit, call) {
      if (statementOf(submit) !== "many") return answer(call);
      call.write(numbered(0, decided(), executing, columns(["id", 23], ["text", 25])));
      const more = () => {
        while (sent < chunks) if (!call.write(numbered(3 + sent++, chunk))) return void call.once("drain", more);
        call.write(numbered(3 + chunks, done("SELECT 50000", { rows: 50_000 })));
        call.end();
      };
      more();
    },
  });
  const stream = here.db.stream<{ id: number }>("many");
  await stream.next();
  await sleep(100);
  const early = sent;
  expect(early).toBeLessThan(40);
  expect(await here.db.query("other")).toMatchObject({ command: "SELECT" });
  expect(sent).toBe(early);
  let read = 1;
  for await (const { id } of stream) if (id === read % 500) read++;
  expect(read).toBe(50_000);
  expect(here.service.own).toBe(0);
});

test("a small result costs no frame of credit", async () => {
  await using here = await connected({
    execute(_submit, call) {
      call.write(numbered(0, decided(), executing, columns(["a", 25]), rows(["x"])));
      call.write(numbered(4, done("SELECT 1", { rows: 1 })));
      call.end();
    },
  });
  await here.db.query("x");
  expect(here.service.shared[0]?.messages).toHaveLength(1);
});

test("who leaves before the action was sent sends nothing; who leaves later says so for its own call", async () => {
  const gone: string[] = [];
  await using here = await connected({
    execute(submit, call) {
      call.once("cancelled", () => gone.push(statementOf(submit) ?? ""));
      call.write(numbered(0, decided(Effect.REVIEW), pending));
    },
  });
  const [early, late, close] = [new AbortController(), new AbortController(), new AbortController()];
  const query = (statement: string, { signal }: AbortController) =>
    here.db.query(statement, [], { signal }).catch((error) => error.code);
  const first = query("never sent", early);
  const second = query("left", late);
  const third = query("stays", close);
  early.abort();
  expect(await first).toBe("aborted");
  await vi.waitFor(() => expect(here.service.executed.map(statementOf)).toEqual(["left", "stays"]));
  late.abort();
  expect(await second).toBe("aborted");
  await vi.waitFor(() => expect(gone).toEqual(["left"]));
  close.abort();
  expect(await third).toBe("aborted");
});

test("closing the client tells the sidecar that all its callers are gone", async () => {
  let gone = 0;
  await using here = await connected({
    execute(_submit, call) {
      call.once("cancelled", () => gone++);
      call.write(numbered(0, decided(Effect.REVIEW), pending));
    },
  });
  const queries = [here.db.query("a"), here.db.query("b")].map((query) => query.catch(({ code }) => code));
  await vi.waitFor(() => expect(here.service.executed).toHaveLength(2));
  await here.cs.close();
  expect(await Promise.all(queries)).toEqual(["aborted", "aborted"]);
  await vi.waitFor(() => expect(gone).toBe(2));
});
