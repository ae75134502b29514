import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exitCodes } from "../exit.ts";

const program = fileURLToPath(new URL("../../bin/countersign.mjs", import.meta.url));

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-up-"));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function countersign(...argv: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...argv], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}

interface Up {
  readonly ready: Readonly<Record<"console" | "signIn" | "agent" | "approver" | "data", string>>;
  /** Sends a signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<{ code: number | null; signal: string | null; err: string }>;
}

async function up(...argv: readonly string[]): Promise<Up> {
  const child = spawn(process.execPath, [program, "up", "--json", ...argv], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const err = text(child.stderr);
  const closed = once(child, "close");
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    closed.then(async () => expect.fail(await err)),
  ]);
  return {
    ready: JSON.parse(String(line[0])),
    end: async (signal) => {
      child.kill(signal);
      await closed;
      return { code: child.exitCode, signal: child.signalCode, err: await err };
    },
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket.replace("unix://", ""), () => {
      connection.destroy();
      resolve(true);
    }).on("error", () => resolve(false));
  });
}

test("init, up, stop: private files, true addresses, and nothing left behind", async () => {
  expect(await countersign("init")).toMatchObject({ code: exitCodes.ok, out: expect.stringContaining("countersign up") });
  expect(await countersign("init")).toMatchObject({ code: exitCodes.failure, err: expect.stringContaining("--force") });
  const { ready, end } = await up();
  expect(ready).toMatchObject({
    ready: true,
    data: join(folder, "countersign-data"),
    signIn: expect.stringContaining(`${ready.console}/sign-in#`),
  });
  expect(await answers(ready.agent)).toBe(true);
  expect(await answers(ready.approver)).toBe(true);
  expect((await fetch(`${ready.console}/api/session`)).status).toBe(401);
  expect(statSync(ready.data).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(join(ready.data, "run")))
    expect(statSync(join(ready.data, "run", name)).mode & 0o077, name).toBe(0);
  expect(await countersign("resources")).toMatchObject({ code: exitCodes.ok });

  expect(await end("SIGINT")).toMatchObject({ code: exitCodes.ok });
  expect(readdirSync(join(ready.data, "run"))).toEqual([]);
  expect(await countersign("requests")).toMatchObject({
    code: exitCodes.unreachable,
    err: expect.stringContaining("countersign up"),
  });
});

test("a second up on the same data folder is refused; after a kill -9 it starts again", async () => {
  await countersign("init");
  const first = await up();
  const second = await countersign("up", "--json");
  expect(second).toMatchObject({
    code: exitCodes.failure,
    out: "",
    err: expect.stringContaining("is in use by another process"),
  });
  expect(await answers(first.ready.agent)).toBe(true);
  expect(await first.end("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
  const third = await up();
  expect(await answers(third.ready.agent)).toBe(true);
  expect(await third.end("SIGTERM")).toMatchObject({ code: exitCodes.ok });
  expect(await countersign("audit", "verify")).toMatchObject({
    code: exitCodes.ok,
    out: expect.stringContaining("intact: 5 records"),
  });
});

test("a data folder whose path is too long for sockets works all the same", async () => {
  await countersign("init");
  const deep = join(folder, "d".repeat(60), "d".repeat(60));
  await mkdir(deep, { recursive: true, mode: 0o700 });
  const { ready, end } = await up("--data", deep);
  expect(await answers(ready.agent)).toBe(true);
  expect(await countersign("resources", "--data", deep)).toMatchObject({ code: exitCodes.ok });
  await end("SIGTERM");
  expect(existsSync(ready.agent.replace("unix://", ""))).toBe(false);
});

test("a mistake in the configuration or the policy is told with its place; nothing is started", async () => {
  await writeFile(join(folder, "countersign.yaml"), "version: 1\npolcy: x\n");
  expect(await countersign("up")).toMatchObject({
    code: exitCodes.usage,
    err: `countersign: ${folder}/countersign.yaml:2:1: unknown key "polcy"; did you mean "policy"?\n`,
  });
  await writeFile(join(folder, "countersign.yaml"), "version: 1\n");
  expect(await countersign("up")).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("policy.yaml:1:1: the policy file cannot be read: there is no such file"),
  });
  await writeFile(join(folder, "policy.yaml"), "version: 1\nrules:\n  - id: a\n    effct: allow\n");
  const policy = await countersign("up");
  expect(policy).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining(`${folder}/policy.yaml:4:5: unknown key "effct"; did you mean "effect"?`),
  });
  expect(existsSync(join(folder, "countersign-data"))).toBe(false);
  expect(await countersign("up", "--config", "nope.yaml")).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("countersign init"),
  });
});

test("a changed audit log fails verification with its own exit status, and names the place", async () => {
  await countersign("init");
  await (await up()).end("SIGTERM");
  expect(await countersign("audit", "export", "export")).toMatchObject({ code: exitCodes.ok });
  expect(await countersign("audit", "verify", "--export", "export")).toMatchObject({ code: exitCodes.ok });

  const log = new DatabaseSync(join(folder, "countersign-data", "audit.db"));
  log.exec("update records set bytes = cast(replace(cast(bytes as text), 'stop', 'slop') as blob) where idx = 2");
  log.close();
  const found = await countersign("audit", "verify");
  expect(found).toMatchObject({ code: exitCodes.auditFailed, out: expect.stringMatching(/edited\s+record 2/) });
  expect(JSON.parse((await countersign("audit", "verify", "--json")).out)).toMatchObject({
    ok: false,
    problems: [{ kind: "edited", index: 2 }],
  });
});

test("wrong arguments are told with the way to help, and have their own exit status", async () => {
  expect(await countersign("aprove")).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("Did you mean approve?"),
  });
  expect(await countersign("token")).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("countersign token --help"),
  });
  expect(await countersign("--help")).toMatchObject({ code: exitCodes.ok, out: expect.stringContaining("Exit status:") });
  expect(await countersign()).toMatchObject({ code: exitCodes.ok, out: expect.stringContaining("Usage:") });
});
