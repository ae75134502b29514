import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Limits, Operation, Outcome } from "@countersign/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Connector, ResultChunk } from "../../packages/sidecar/src/protocols/connector.ts";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { openSshConnector } from "../../packages/sidecar/src/protocols/ssh/connector.ts";
import { sshResourceSchema } from "../../packages/sidecar/src/protocols/ssh/resource.ts";
import { Sshd } from "../harness/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-ssh-"));
const authority = new FileAuthority(join(folder, "ssh-authority.json"), Date.now);

let sshd: Sshd;
let connector: Connector;
const open: Connector[] = [];

beforeAll(async () => {
  const { line } = await authority.active();
  sshd = await Sshd.start({ trustedAuthorities: [line], certifiedAs: "web-1.test" });
  sshd.authorize([readFileSync(`${sshd.keyPair("fixed")}.pub`, "utf8").trim()]);
  connector = connectorWith();
});

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A connector to the server, with more or other configuration. */
function connectorWith(more: object = {}): Connector {
  const resource = sshResourceSchema.parse({
    name: "web-1",
    type: "ssh",
    address: sshd.address,
    hostKeys: [sshd.hostKey],
    roles: {
      operator: { user: sshd.user, certificate: {} },
      fixed: { user: sshd.user, key: { file: join(sshd.folder, "fixed") } },
    },
    ...more,
  });
  const made = openSshConnector(resource, { folder, sshAuthority: authority, wallMs: Date.now, random: randomBytes });
  open.push(made);
  return made;
}

interface Ran {
  readonly outcome: Outcome;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly marker: unknown;
}

/** Dispatches as the guard does. */
async function run(
  operation: Operation,
  {
    role = "operator",
    limits = {},
    signal = new AbortController().signal,
    by = connector,
    onChunk = () => {},
  }: {
    role?: string;
    limits?: Limits;
    signal?: AbortSignal;
    by?: Connector;
    onChunk?: (chunk: ResultChunk) => void | Promise<void>;
  } = {},
): Promise<Ran> {
  const dispatch = by.dispatch(operation, role, limits, { signal, readOnly: false });
  const parts: { stream: string; data: Buffer }[] = [];
  try {
    const marker = await dispatch.prepare();
    const outcome = await dispatch.run((chunk) => {
      if (chunk.type === "output") parts.push({ stream: chunk.stream, data: Buffer.from(chunk.data) });
      return onChunk(chunk);
    });
    const of = (stream: string) => Buffer.concat(parts.filter((part) => part.stream === stream).map(({ data }) => data));
    return { outcome, marker, stdout: of("stdout"), stderr: of("stderr") };
  } finally {
    await dispatch.close();
  }
}

const exec = (command: string, more: object = {}): Operation => ({ kind: "ssh.exec", command, ...more });

describe.each(["operator", "fixed"])("a command, as the role %s", (role) => {
  test("output by stream, and the exit status", async () => {
    const { outcome, stdout, stderr } = await run(exec("printf out; printf err >&2; exit 3"), { role });
    expect(outcome).toMatchObject({ state: "succeeded", exit: { code: 3 }, bytes: 6 });
    expect([stdout.toString(), stderr.toString()]).toEqual(["out", "err"]);
  });

  test("short commands, whose output and end come in one packet: each says how it ended", async () => {
    const codes: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      const some = await Promise.all(Array.from({ length: 5 }, () => run(exec("echo x; exit 4"), { role })));
      codes.push(...some.map(({ outcome }) => outcome.exit));
    }
    expect(codes).toEqual(Array.from({ length: 50 }, () => ({ code: 4 })));
  });

  test("a command that a signal ends has no code", async () => {
    const { outcome } = await run(exec("kill -KILL $$"), { role });
    expect(outcome).toMatchObject({ state: "succeeded", exit: { signal: "KILL" } });
  });

  test("its standard input is what was bound, byte for byte, and then closed", async () => {
    const bytes = randomBytes(300_000);
    const { stdout } = await run(exec("cat", { stdin: { binary: bytes.toString("base64url") } }), { role });
    expect(stdout.equals(bytes)).toBe(true);
  });

  test("ssh-stdin: without a bound input it is closed at once", async () => {
    const { outcome, stdout } = await run(exec("wc -c"), { role });
    expect(outcome.exit).toEqual({ code: 0 });
    expect(stdout.toString().trim()).toBe("0");
  });

  test("output is cut at exactly the limit, and the command is stopped", async () => {
    const { outcome, stdout } = await run(exec("exec yes"), { role, limits: { bytes: 100_001 } });
    expect(stdout).toHaveLength(100_001);
    expect(outcome).toMatchObject({ bytes: 100_001, failure: {} });
    expect(outcome.failure?.message).toMatch(/limit of 100001 bytes/);
  });

  test("a terminal only where it was asked for", async () => {
    expect((await run(exec("test -t 1"), { role })).outcome.exit).toEqual({ code: 1 });
    expect((await run(exec("test -t 1", { tty: true }), { role })).outcome.exit).toEqual({ code: 0 });
  });
});

test("a slow caller holds the command up: no more than a window waits in memory", async () => {
  const end = join(sshd.home, "all-written");
  const blocked = Promise.withResolvers<void>();
  const running = run(exec(`head -c 30000000 /dev/zero; touch ${end}`), { role: "fixed", onChunk: () => blocked.promise });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(existsSync(end)).toBe(false);
  blocked.resolve();
  const { outcome, stdout } = await running;
  expect(outcome.exit).toEqual({ code: 0 });
  expect(stdout).toHaveLength(30_000_000);
});

describe("a stop", () => {
  test("with a fixed key the command gets a signal, and the outcome says so", async () => {
    const abort = new AbortController();
    const { outcome } = await run(exec("echo started; exec sleep 30"), {
      role: "fixed",
      signal: abort.signal,
      onChunk: () => abort.abort(),
    });
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" }, exit: { signal: "TERM" } });
  });

  test("a forced command gets none from sshd: its channel is closed, and nobody claims to know how it ended", async () => {
    const abort = new AbortController();
    const startedMs = Date.now();
    const { outcome } = await run(exec("echo started; exec sleep 30"), { signal: abort.signal, onChunk: () => abort.abort() });
    expect(outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome" } });
    expect(Date.now() - startedMs).toBeLessThan(5000);
  });

  test("a limit of time", async () => {
    const { outcome } = await run(exec("exec sleep 30"), { role: "fixed", limits: { timeMs: 700 } });
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
  });

  test("the target dies while it runs: nobody can tell what happened", async () => {
    const other = await Sshd.start({ trustedAuthorities: [(await authority.active()).line] });
    try {
      const by = connectorWith({ address: other.address, hostKeys: [other.hostKey] });
      const { outcome } = await run(exec("echo $PPID; exec sleep 30"), {
        by,
        onChunk: (chunk) => {
          if (chunk.type === "output") process.kill(Number(Buffer.from(chunk.data).toString()), "SIGKILL");
        },
      });
      expect(outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome" } });
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe("hosts", () => {
  const refused = async (more: object) => {
    const by = connectorWith(more);
    return run(exec("true"), { by }).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );
  };

  test("ssh-hostkey: an unknown key is refused with its fingerprint and the line to pin", async () => {
    const [type, key] = sshd.hostKey.split(" ");
    expect(await refused({ hostKeys: [] })).toMatchObject({
      code: "target_unavailable",
      message: expect.stringMatching(/not pinned.*ssh-ed25519 SHA256:[\w+/]{43}/),
    });
    expect(await refused({ hostKeys: [] })).toMatchObject({ message: expect.stringContaining(`${type} ${key}`) });
  });

  test("ssh-hostkey: a changed key is refused, and nothing was sent", async () => {
    const other = readFileSync(`${sshd.keyPair(`other-${Date.now()}`)}.pub`, "utf8").trim();
    const before = sshd.log;
    expect(await refused({ hostKeys: [other] })).toMatchObject({ message: expect.stringContaining("has changed") });
    expect(sshd.log.slice(before.length)).not.toContain("Accepted");
  });

  test("ssh-hostkey: an authority's certificate is taken for its name only", async () => {
    const certified = { hostKeys: [], hostAuthorities: [sshd.hostAuthority] };
    expect(await refused(certified)).toMatchObject({ message: expect.stringContaining("web-1.test, not for 127.0.0.1") });
    const { outcome } = await run(exec("true"), { by: connectorWith({ ...certified, hostName: "web-1.test" }) });
    expect(outcome.state).toBe("succeeded");
    const other = readFileSync(`${sshd.keyPair(`ca-${Date.now()}`)}.pub`, "utf8").trim();
    expect(await refused({ hostKeys: [], hostAuthorities: [other], hostName: "web-1.test" })).toMatchObject({
      message: expect.stringContaining("not one of hostAuthorities"),
    });
  });

  test("what is approved names the host's key, the user and the kind of credential", () => {
    expect(connector.target("operator")).toMatchObject({
      address: sshd.address,
      user: sshd.user,
      credential: "certificate",
      hostKey: expect.stringMatching(/^SHA256:/),
    });
  });

  test("through a jump host, whose certificate runs nothing there", async () => {
    const jump = [{ address: sshd.address, hostKeys: [sshd.hostKey], login: { user: sshd.user, certificate: {} } }];
    const by = connectorWith({ jump });
    const before = sshd.log.length;
    const both = await Promise.all([run(exec("echo through"), { by }), run(exec("echo through"), { by })]);
    expect(both.map(({ stdout }) => stdout.toString())).toEqual(["through\n", "through\n"]);
    expect(sshd.log.slice(before).match(/^Accepted publickey .* ID countersign web-1 jump/gm)).toHaveLength(1);
    expect(by.target("operator").jump).toContain(sshd.address);
  });

  test("a target that is down", async () => {
    expect(await refused({ address: "127.0.0.1:1" })).toMatchObject({ code: "target_unavailable", retryable: true });
  });

  test("a login that the target refuses", async () => {
    const stranger = sshd.keyPair(`stranger-${Date.now()}`);
    const by = connectorWith({ roles: { operator: { user: sshd.user, key: { file: stranger } } } });
    await expect(run(exec("true"), { by })).rejects.toMatchObject({ code: "target_credentials" });
  });
});

test("connections with a fixed key are reused; with certificates every command has its own", async () => {
  const count = (from: number) => sshd.log.slice(from).match(/^Accepted publickey/gm)?.length ?? 0;
  const by = connectorWith();
  let from = sshd.log.length;
  for (let i = 0; i < 3; i++) await run(exec("true"), { by, role: "fixed" });
  expect(count(from)).toBe(1);
  from = sshd.log.length;
  for (let i = 0; i < 3; i++) await run(exec("true"), { by, role: "operator" });
  expect(count(from)).toBe(3);
});

test("more commands at once than connections wait for one another", async () => {
  const by = connectorWith({ connections: { max: 2, sessions: 3 } });
  const all = await Promise.all(Array.from({ length: 20 }, (_, index) => run(exec(`echo ${index}`), { by, role: "fixed" })));
  expect(all.map(({ stdout }) => stdout.toString().trim())).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
});

describe("files", () => {
  const file = (action: string, path: string, more: object = {}) => ({ kind: "ssh.file", action, path, ...more }) as Operation;

  test.each(["operator", "fixed"])("are written, read and listed, as the role %s", async (role) => {
    const path = join(sshd.home, `file-${role}`);
    const bytes = randomBytes(500_000);
    const content = { binary: bytes.toString("base64url") };
    const written = await run(file("write", path, { content, attributes: { mode: 0o640 } }), { role });
    expect(written.outcome).toMatchObject({ state: "succeeded" });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect((await run(file("read", path), { role })).stdout.equals(bytes)).toBe(true);
    const names = (await run(file("list", sshd.home), { role })).stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(names.find(({ name }) => name === `file-${role}`)).toMatchObject({ size: 500_000 });
    expect((await run(file("read", path), { role, limits: { bytes: 70_000 } })).stdout.equals(bytes.subarray(0, 70_000))).toBe(
      true,
    );
  });

  test("every other operation", async () => {
    const at = (name: string) => join(sshd.home, name);
    const steps: [string, string, object?][] = [
      ["make-directory", at("d")],
      ["write", at("d/a"), { content: { text: "one" } }],
      ["append", at("d/a"), { content: { text: " two" } }],
      ["rename", at("d/a"), { to: at("d/b") }],
      ["link", at("d/b"), { to: at("d/c") }],
      ["symlink", at("d/s"), { to: "b" }],
      ["set-attributes", at("d/c"), { attributes: { mode: 0o600 } }],
    ];
    for (const [action, path, more] of steps)
      expect((await run(file(action, path, more))).outcome, action).toMatchObject({ state: "succeeded" });
    expect((await run(file("read", at("d/c")))).stdout.toString()).toBe("one two");
    expect(JSON.parse((await run(file("stat", at("d/b")))).stdout.toString())).toMatchObject({ size: 7, mode: 0o100600 });
    expect(JSON.parse((await run(file("read-link", at("d/s")))).stdout.toString())).toEqual({ path: "b" });
    expect(JSON.parse((await run(file("real-path", at("d/s")))).stdout.toString())).toEqual({ path: at("d/b") });
    for (const name of ["d/b", "d/c", "d/s"]) expect((await run(file("remove", at(name)))).outcome.state).toBe("succeeded");
    expect((await run(file("remove-directory", at("d")))).outcome.state).toBe("succeeded");
  });

  test("what the server refuses has its code", async () => {
    expect((await run(file("read", "/nowhere/at/all"))).outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_error", targetCode: "SSH_FX_NO_SUCH_FILE" },
    });
  });
});
