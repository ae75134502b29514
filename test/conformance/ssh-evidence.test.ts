import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bodyOf, type Facts, hidingWith, type Operation } from "@countersign/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvidenceSource } from "../../packages/sidecar/src/evidence/evidence-source.ts";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { openSshEvidence } from "../../packages/sidecar/src/protocols/ssh/evidence.ts";
import { sshResourceSchema } from "../../packages/sidecar/src/protocols/ssh/resource.ts";
import { Sshd } from "../harness/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-ssh-evidence-"));
const sshAuthority = new FileAuthority(join(folder, "ssh-authority.json"), Date.now);
let sshd: Sshd;
let source: EvidenceSource;

beforeAll(async () => {
  sshd = await Sshd.start({ trustedAuthorities: [(await sshAuthority.active()).line] });
  source = open({ role: "looks" });
});
afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function open(evidence: object): EvidenceSource {
  const resource = sshResourceSchema.parse({
    ...{ name: "web-1", type: "ssh", address: sshd.address, hostKeys: [sshd.hostKey], evidence },
    roles: { looks: { user: sshd.user, certificate: {} } },
  });
  const opened = openSshEvidence(resource, { folder, sshAuthority, wallMs: Date.now, random: randomBytes });
  if (opened === undefined) throw new Error("no evidence");
  return opened;
}

function gather(operation: Operation, signal = new AbortController().signal) {
  const facts = { protocol: "ssh" } as unknown as Facts;
  return source.gather({ kind: "plan", operation, facts, role: "another", hide: hidingWith(undefined) }, signal);
}

const home = (name: string) => join(sshd.home, name);
const write = (name: string, content: string | Buffer, more = {}) =>
  gather({ kind: "ssh.file", action: "write", path: home(name), content: bodyOf(Buffer.from(content)), ...more });

/** A file that the target's user may read. */
function put(name: string, content: string | Buffer, mode = 0o644): void {
  writeFileSync(home(name), content);
  chmodSync(home(name), mode);
}

test("what a write would change of a text, line by line, and of its permissions", async () => {
  put("app.conf", "listen 80\nuser www\nworkers 4\n");
  expect(await write("app.conf", "listen 80\nuser root\nworkers 4\n")).toEqual({
    ...{ kind: "plan", notes: [] },
    difference: " listen 80\n-user www\n+user root\n workers 4",
  });
  const { difference } = await write("app.conf", "listen 80\nuser www\nworkers 4\n", { attributes: { mode: 0o4755 } });
  expect(difference).toBe("-permissions 0644\n+permissions 4755\n (the same content, 29 bytes)");
});

test("a file that is not there, and one that has the content already, are said to be so", async () => {
  expect(await write("new", "a\n")).toMatchObject({ difference: "+a", notes: [expect.stringContaining("no such file")] });
  put("same", "a\n");
  expect(await write("same", "a\n")).toMatchObject({ difference: " (the same content, 2 bytes)", notes: [] });
});

test("what is appended comes after what is there", async () => {
  put("log", "one\n");
  const content = bodyOf(Buffer.from("two\n"));
  expect(await gather({ kind: "ssh.file", action: "append", path: home("log"), content })).toMatchObject({
    difference: " one\n+two",
  });
});

test("what cannot be found out is never taken for no change", async () => {
  put("large", Buffer.alloc(300_000, "x\n"));
  put("binary", Buffer.from([0, 255, 1]));
  expect(await write("large", "a")).toMatchObject({ failure: expect.stringMatching(/300000 bytes now/) });
  expect(await write("binary", "a")).toMatchObject({ failure: expect.stringMatching(/no text.*3 bytes now, 1 afterwards/) });
  expect(await write(".", "a")).toMatchObject({ failure: expect.stringMatching(/no ordinary file/) });
  writeFileSync(home("private"), "secret\n", { mode: 0o600 });
  const found = await write("private", "a\n");
  // Root's own tests read everything as another account; whoever runs them as themselves may read their own file.
  if (process.getuid?.() === 0) expect(found).toMatchObject({ failure: expect.stringMatching(/may not.*PERMISSION_DENIED/) });
  expect(found.difference === undefined).toBe(found.failure !== undefined);
});

test("what goes, and what gets other permissions", async () => {
  put("doomed", "12345", 0o640);
  chmodSync(home("doomed"), 0o644);
  expect(await gather({ kind: "ssh.file", action: "remove", path: home("doomed") })).toMatchObject({
    difference: `-${home("doomed")} (5 bytes, 0644)`,
  });
  const attributes = { mode: 0o100_600 };
  expect(await gather({ kind: "ssh.file", action: "set-attributes", path: home("doomed"), attributes })).toMatchObject({
    difference: "-permissions 0644\n+permissions 0600",
  });
  expect(existsSync(home("doomed"))).toBe(true);
});

test("a command is not tried, and a host that is down is said to be", async () => {
  expect(await gather({ kind: "ssh.exec", command: `touch ${home("forged")}` })).toMatchObject({
    failure: expect.stringContaining("running it"),
  });
  expect(existsSync(home("forged"))).toBe(false);
  await sshd.stop();
  expect(await write("app.conf", "a\n")).toMatchObject({ failure: expect.stringContaining("not reachable") });
});

test("a role that is none is refused", () => {
  expect(() => open({ role: "nobody" })).toThrow(/no role nobody/);
});
