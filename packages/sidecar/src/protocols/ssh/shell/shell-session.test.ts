import { Duplex, PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, type Limits, type Outcome } from "@countersign/policy";
import type { PseudoTtyOptions, ServerChannel } from "ssh2";
import { expect, test } from "vitest";
import type { OwnConnection } from "../../../native/own-connection.ts";
import { ShellSession, type ShellVisitor } from "./shell-session.ts";

/** A client's channel: what it was shown, and how it was ended. */
class Channel extends Duplex {
  readonly stderr = new PassThrough();
  shown = "";
  exited: number | undefined;
  cutOff = false;
  /** It takes nothing any more. */
  readonly #reads: boolean;

  constructor(reads: boolean) {
    super();
    this.#reads = reads;
    this.stderr.on("data", (data: Buffer) => {
      this.shown += data.toString();
    });
  }

  override _read(): void {}

  override _write(data: Buffer, _encoding: string, done: () => void): void {
    this.shown += data.toString();
    if (this.#reads) done();
  }

  exit(status: number): void {
    this.exited = status;
  }

  close(): void {
    this.cutOff = true;
    this.destroy();
  }
}

interface Options {
  readonly pty?: boolean;
  readonly reads?: boolean;
  readonly effect?: "allow" | "deny";
  readonly idleMs?: number;
  readonly limits?: Limits;
  readonly full?: boolean;
  readonly records?: () => Promise<never>;
}

function world({
  pty = true,
  reads = true,
  effect = "allow",
  idleMs = 60_000,
  limits = {},
  full = false,
  records,
}: Options = {}) {
  const channel = new Channel(reads);
  const broken = new AbortController();
  const recorded = { output: "", input: "" };
  const revoked = new AbortController();
  const asked: unknown[] = [];
  const ended: Outcome[] = [];
  let own: OwnConnection | undefined;
  const record =
    records ??
    (async () => ({
      ...{ id: "req_1", broken: broken.signal, resize: () => {}, mark: () => {}, end: async () => {} },
      output: (data: Uint8Array) => {
        broken.signal.throwIfAborted();
        recorded.output += Buffer.from(data).toString();
      },
      input: (data: Uint8Array) => {
        recorded.input += Buffer.from(data).toString();
      },
    }));
  const gate = (given: OwnConnection, session: string | undefined) => ({
    ask: async () => ({ effect }),
    run: async (operation: { readonly kind: string; readonly command?: string }, _client: unknown, signal: AbortSignal) => {
      asked.push({ command: operation.command, session });
      if (operation.kind === "ssh.exec") {
        // A line that runs until it is stopped.
        if (operation.command === "sleep 100") await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { requestId: "req_2", state: "succeeded" };
      }
      own = given;
      const options = { signal: revoked.signal, readOnly: false, record } as unknown as Parameters<OwnConnection["dispatch"]>[3];
      const dispatch = given.dispatch({ kind: "ssh.subsystem", subsystem: "guarded-shell" }, "operator", limits, options);
      await dispatch.prepare();
      const outcome = await dispatch.run(() => {});
      ended.push(outcome);
      await dispatch.close();
      return { requestId: "req_1", state: outcome.state, ...(outcome.failure && { failure: outcome.failure }) };
    },
    [Symbol.dispose]: () => {},
  });
  const visitor = {
    ...{ name: "web-1", idleMs, admitShell: () => (full ? undefined : { [Symbol.dispose]: () => {} }) },
    host: { random: (size: number) => Buffer.alloc(size), now: () => 0, onInternalError: () => {} },
    native: (_id: string, given: OwnConnection, session?: string) => gate(given, session),
  };
  const terminal = { cols: 80, rows: 24 } as PseudoTtyOptions;
  const session = new ShellSession(
    channel as unknown as ServerChannel,
    pty ? terminal : undefined,
    visitor as unknown as ShellVisitor,
  );
  const running = session.run();
  return { channel, session, running, recorded, broken, revoked, asked, ended, cut: (why: string) => own?.cut(why) };
}

const shows = (channel: Channel, text: string) => expect.poll(() => channel.shown).toContain(text);

test("without a rule there is none, and nothing is said or kept", async () => {
  const { running, channel, asked } = world({ effect: "deny" });
  expect(await running).toBe(false);
  expect([channel.shown, channel.exited, asked]).toEqual(["", undefined, []]);
});

test("a shell too many", async () => {
  const { running, channel } = world({ full: true });
  expect(await running).toBe(true);
  expect(channel).toMatchObject({ exited: 126, shown: expect.stringContaining("as many shells") });
});

test("au-fail: what cannot be recorded does not begin, and ends when it cannot be recorded any more", async () => {
  const never = async () => {
    throw new CountersignError("audit_unavailable", "full");
  };
  const first = world({ records: never });
  expect(await first.running).toBe(true);
  expect(first.asked).toHaveLength(1);
  expect(first.ended).toMatchObject([{ state: "failed", failure: { code: "audit_unavailable" } }]);

  const { running, channel, broken, recorded, asked } = world();
  await shows(channel, "$ ");
  expect(recorded.output).toContain("$ ");
  broken.abort(new CountersignError("audit_unavailable", "full"));
  channel.push("ls\r");
  await running;
  expect(channel.shown).toMatch(/cannot be recorded any more\.[^a-z]*m?\r\n$/);
  expect(channel.shown).not.toContain("ls\r\n");
  expect(asked).toHaveLength(1);
});

test("an approver who cuts the recorded session ends the shell, which says so", async () => {
  const { running, channel, broken, ended } = world();
  await shows(channel, "$ ");
  broken.abort(new CountersignError("revoked", "An approver cut the session."));
  await running;
  expect(channel.shown).toContain("The shell has ended: An approver cut the session.");
  expect(ended).toMatchObject([{ state: "failed", failure: { code: "revoked" } }]);
});

test("what is shown and what is typed is recorded, and each line says which shell it is of", async () => {
  const { running, channel, recorded, asked, ended } = world();
  await shows(channel, "$ ");
  channel.push("lx\x7fs\r");
  await shows(channel, "✓");
  channel.push("\x04");
  await running;
  expect(recorded).toMatchObject({ input: "ls\n", output: channel.shown });
  expect(asked).toEqual([expect.anything(), { command: "ls", session: "guarded shell req_1" }]);
  expect(ended).toMatchObject([{ state: "succeeded", exit: { code: 0 } }]);
});

test("nobody at the keys, and the time of the policy", async () => {
  const idle = world({ idleMs: 30 });
  await idle.running;
  expect(idle.channel.shown).toContain("The shell has ended: Nothing was typed");
  const late = world({ limits: { timeMs: 30 } });
  await shows(late.channel, "$ ");
  late.channel.push("sleep 100\r");
  await late.running;
  expect(late.ended).toMatchObject([{ state: "failed", failure: { code: "limit_exceeded" } }]);
});

test("ap-revoke: a lock and a revocation end it while a line runs", async () => {
  for (const by of ["lock", "request"] as const) {
    const { running, channel, cut, revoked, ended } = world();
    await shows(channel, "$ ");
    channel.push("sleep 100\r");
    await sleep(5);
    if (by === "lock") cut("Revoked: an operator has locked this caller or this resource.");
    else revoked.abort("Revoked.");
    await running;
    expect(channel).toMatchObject({ exited: 126, shown: expect.stringContaining("The shell has ended: ") });
    expect(ended).toMatchObject([{ state: "failed", failure: { code: "revoked" } }]);
  }
});

test("ap-revoke: a client that does not read is cut off too", async () => {
  const { running, channel, cut } = world({ reads: false });
  await expect.poll(() => channel.shown).not.toBe("");
  cut("Revoked: an operator has locked this caller or this resource.");
  await running;
  expect(channel.cutOff).toBe(true);
});

test("when the sidecar stops, an idle shell ends at once, and one that works after its line", async () => {
  const idle = world();
  await shows(idle.channel, "$ ");
  idle.session.drain();
  await idle.running;
  expect(idle.ended).toMatchObject([{ failure: { code: "shutting_down" } }]);
  const busy = world();
  await shows(busy.channel, "$ ");
  busy.channel.push("sleep 100\r");
  await expect.poll(() => busy.asked.length).toBe(2);
  busy.session.drain();
  await shows(busy.channel, "this line may end");
  busy.session.signal("INT");
  await busy.running;
  expect(busy.ended).toMatchObject([{ state: "succeeded" }]);
});

test("without a terminal, lines are taken one after the other, to the end", async () => {
  const { running, channel, asked } = world({ pty: false });
  channel.push("ls\n\ndf");
  channel.push(null);
  expect(await running).toBe(true);
  expect(asked.slice(1)).toMatchObject([{ command: "ls" }, { command: "df" }]);
});
