import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { openSshConnector } from "../../packages/sidecar/src/protocols/ssh/connector.ts";
import { sshResourceSchema } from "../../packages/sidecar/src/protocols/ssh/resource.ts";
import { Sshd } from "../harness/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-ssh-spare-"));
let sshd: Sshd;
let connector: Connector;

beforeAll(async () => {
  const sshAuthority = new FileAuthority(join(folder, "ssh-authority.json"), Date.now);
  sshd = await Sshd.start({ trustedAuthorities: [(await sshAuthority.active()).line] });
  const resource = sshResourceSchema.parse({
    ...{ name: "web-1", type: "ssh", address: sshd.address, hostKeys: [sshd.hostKey] },
    roles: { operator: { user: sshd.user, certificate: {} } },
    connections: { max: 3 },
  });
  connector = openSshConnector(resource, { folder, sshAuthority, wallMs: Date.now, random: randomBytes });
});
afterAll(async () => {
  await connector?.close();
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a command; gives its end with what it wrote. */
async function run(command: string, signal = new AbortController().signal) {
  const dispatch = connector.dispatch({ kind: "ssh.exec", command }, "operator", {}, { signal, readOnly: false });
  let text = "";
  try {
    await dispatch.prepare();
    const { state, exit } = await dispatch.run((chunk) => {
      if (chunk.type === "output") text += Buffer.from(chunk.data).toString();
    });
    return { state, exit, text: text.trim() };
  } finally {
    await dispatch.close();
  }
}

const times = (text: string) => sshd.log.split(text).length - 1;

test("the next command's connection is opened while one runs, nobody has logged in on it, and no certificate is used twice", async () => {
  for (let n = 1; n <= 3; n++) {
    expect(await run(`echo ${n}`)).toEqual({ state: "succeeded", exit: { code: 0 }, text: `${n}` });
    await vi.waitFor(() => expect(times("Connection from")).toBe(n + 2));
    expect(times("Accepted publickey")).toBe(n);
  }
});

test("as many at once as there may be, each on a connection of its own", async () => {
  const before = times("Accepted publickey");
  const done = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => run(`sleep 0.1; echo ${n}`)));
  expect(done.map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5", "6"]);
  expect(times("Accepted publickey") - before).toBe(6);
});

test("a command that is stopped gives its connection up at once, though sshd passes it no signal", async () => {
  const abort = new AbortController();
  const ended = run("echo runs; sleep 30", abort.signal);
  const before = times("Accepted publickey");
  await vi.waitFor(() => expect(times("Accepted publickey")).toBe(before + 1), { timeout: 5000 });
  abort.abort();
  const atMs = performance.now();
  expect((await ended).state).not.toBe("succeeded");
  expect(performance.now() - atMs).toBeLessThan(600);
});

test("a spare that nobody needs ends with the connector", async () => {
  const before = times("[preauth]");
  await connector.close();
  await vi.waitFor(() => expect(times("[preauth]")).toBeGreaterThan(before), { timeout: 5000 });
});
