import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { isIssued, issueCertificate, readCertificate } from "../../packages/sidecar/src/protocols/ssh/certificate.ts";
import { type CertificateScope, mintCertificate } from "../../packages/sidecar/src/protocols/ssh/dispatch-certificate.ts";
import { encodeOpensshKey } from "../../packages/sidecar/src/protocols/ssh/openssh-key.ts";
import { keyLine, parseKeyLine, readPublicKey } from "../../packages/sidecar/src/protocols/ssh/public-key.ts";
import { Sshd } from "../harness/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-cert-"));
const authority = new FileAuthority(join(folder, "ssh-authority.json"), Date.now);
let sshd: Sshd;
let times = 0;

beforeAll(async () => {
  sshd = await Sshd.start({ trustedAuthorities: [(await authority.active()).line] });
});
afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const certLine = (blob: Buffer) => `ssh-ed25519-cert-v01@openssh.com ${blob.toString("base64")}`;

async function mint(scope: Partial<CertificateScope> = {}, { nowMs = Date.now(), principals = [sshd.user] } = {}) {
  const all = { forceCommand: "echo approved", terminal: false, forwarding: false, ...scope };
  const holder = { keyId: "countersign web-1 operator", principals, nowMs, random: randomBytes };
  return mintCertificate(await authority.active(), all, holder);
}

/** OpenSSH's own client with a certificate, as somebody who has got hold of it would use it. */
function ssh({ privateKey, certificate }: { privateKey: string; certificate: Buffer }, ...args: string[]) {
  const key = join(folder, `key-${times++}`);
  writeFileSync(key, privateKey, { mode: 0o600 });
  writeFileSync(`${key}-cert.pub`, `${certLine(certificate)}\n`);
  const options = ["-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"];
  const known = ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", String(sshd.port)];
  const done = spawnSync("ssh", [...options, ...known, ...args], { encoding: "utf8", input: "", timeout: 10_000 });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

describe("ssh-scope: a certificate is for one command", () => {
  test("another command with the same certificate: sshd runs the approved one", async () => {
    const file = join(sshd.home, "forged");
    const done = ssh(await mint(), `${sshd.user}@127.0.0.1`, `touch ${file}`);
    expect(done).toMatchObject({ code: 0, stdout: "approved\n" });
    expect(existsSync(file)).toBe(false);
  });

  test("neither a shell nor a subsystem is had with it", async () => {
    const minted = await mint();
    expect(ssh(minted, `${sshd.user}@127.0.0.1`)).toMatchObject({ stdout: "approved\n" });
    expect(ssh(minted, "-s", `${sshd.user}@127.0.0.1`, "sftp").stdout).toBe("approved\n");
  });

  test("no terminal, no forwarding of ports, sockets or agents", async () => {
    const minted = await mint({ forceCommand: 'test -t 0 || test -n "$SSH_AUTH_SOCK" || echo none; sleep 1' });
    const terminal = ssh(minted, "-tt", `${sshd.user}@127.0.0.1`);
    expect(terminal).toMatchObject({ stdout: "", stderr: expect.stringContaining("PTY allocation request failed") });
    const tunnel = ssh(await mint(), "-W", `127.0.0.1:${sshd.port}`, `${sshd.user}@127.0.0.1`);
    expect(tunnel.code).not.toBe(0);
    expect(tunnel.stderr).toMatch(/prohibited|refused|failed/);
    expect(ssh(minted, "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", `${sshd.user}@127.0.0.1`, "true").code).toBe(255);
  });

  test("a terminal where it was approved", async () => {
    expect(
      ssh(await mint({ forceCommand: "test -t 0 && echo yes", terminal: true }), "-tt", `${sshd.user}@127.0.0.1`).stdout.trim(),
    ).toBe("yes");
  });

  test("of a terminal session: a shell in a terminal, and nothing forwarded", async () => {
    const minted = await mint({ forceCommand: undefined, terminal: true });
    expect(ssh(minted, "-tt", `${sshd.user}@127.0.0.1`, "test -t 0 && echo yes").stdout.trim()).toBe("yes");
    const tunnel = ssh(minted, "-W", `127.0.0.1:${sshd.port}`, `${sshd.user}@127.0.0.1`);
    expect(tunnel.code).not.toBe(0);
    expect(tunnel.stderr).toMatch(/prohibited|refused|failed/);
  });

  test("a jump host's certificate goes through, and runs nothing", async () => {
    const minted = await mint({ forceCommand: "false", forwarding: true });
    expect(ssh(minted, `${sshd.user}@127.0.0.1`, "echo ran")).toMatchObject({ code: 1, stdout: "" });
    expect(ssh(minted, "-W", `127.0.0.1:${sshd.port}`, `${sshd.user}@127.0.0.1`).stdout).toMatch(/^SSH-2.0/);
  });

  test("a file operation's certificate serves the requests that it needs, and no other", async () => {
    const minted = await mint({ forceCommand: "internal-sftp -R -p open,read,close" });
    const batch = join(folder, "batch");
    writeFileSync(join(sshd.home, "secret"), "text");
    writeFileSync(batch, `rm ${join(sshd.home, "secret")}\n`);
    const key = join(folder, `key-${times++}`);
    writeFileSync(key, minted.privateKey, { mode: 0o600 });
    writeFileSync(`${key}-cert.pub`, `${certLine(minted.certificate)}\n`);
    const options = ["-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
    const done = spawnSync("sftp", [...options, "-P", String(sshd.port), "-b", batch, `${sshd.user}@127.0.0.1`], {
      encoding: "utf8",
    });
    expect(done.status).not.toBe(0);
    expect(existsSync(join(sshd.home, "secret"))).toBe(true);
  });

  test.each<[string, Parameters<typeof mint>[1]]>([
    ["after its minute", { nowMs: Date.now() - 61_000 }],
    ["before its time", { nowMs: Date.now() + 61_000 }],
    ["for another user", { principals: ["somebody-else"] }],
  ])("it is refused %s", async (_, holder) => {
    expect(ssh(await mint({}, holder), `${sshd.user}@127.0.0.1`, "true")).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("denied"),
    });
  });
});

describe("the format", () => {
  test("ssh-keygen reads what was written", async () => {
    const { certificate, serial } = await mint({ terminal: true, forceCommand: "systemctl restart x" });
    const file = join(folder, "printed-cert.pub");
    writeFileSync(file, `${certLine(certificate)}\n`);
    const printed = execFileSync("ssh-keygen", ["-L", "-f", file], { encoding: "utf8" });
    expect(printed).toMatch(/user certificate/);
    expect(printed).toContain(`Serial: ${serial}`);
    expect(printed).toContain(`Key ID: "countersign web-1 operator ${serial}"`);
    expect(printed).toMatch(
      /Principals:\s+(\S+)\s+Critical Options:\s+force-command systemctl restart x\s+Extensions:\s+permit-pty\s*$/,
    );
    const [, from = "", to = ""] = /Valid: from (\S+) to (\S+)/.exec(printed) ?? [];
    expect(Date.parse(to) - Date.parse(from)).toBeLessThanOrEqual(60_000);
  });

  test.each(["ed25519", "ecdsa", "rsa"])(
    "what ssh-keygen issues with an %s key is read, and a changed bit is noticed",
    (type) => {
      const base = join(folder, `by-${type}`);
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", base]);
      const about = join(folder, `about-${type}`);
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", about]);
      execFileSync("ssh-keygen", [
        "-q",
        "-s",
        base,
        "-I",
        "id",
        "-n",
        "a,b",
        "-z",
        "7",
        "-O",
        "clear",
        "-O",
        "force-command=x",
        `${about}.pub`,
      ]);
      const blob = Buffer.from(readFileSync(`${about}-cert.pub`, "utf8").split(" ")[1] ?? "", "base64");
      const certificate = readCertificate(blob);
      expect(certificate).toMatchObject({
        kind: "user",
        serial: 7n,
        principals: ["a", "b"],
        criticalOptions: { "force-command": "x" },
      });
      expect(certificate.authority.equals(parseKeyLine(readFileSync(`${base}.pub`, "utf8")))).toBe(true);
      expect(isIssued(certificate)).toBe(true);
      for (let at = 0; at < blob.length; at += 7) {
        const changed = Buffer.from(blob);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(accepts(changed), `byte ${at}`).toBe(false);
      }
      for (let length = 0; length < blob.length; length++) expect(accepts(blob.subarray(0, length))).toBe(false);
      expect(accepts(Buffer.concat([blob, Buffer.of(0)]))).toBe(false);
    },
  );

  test("a key made for a login is one to ssh-keygen", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const file = join(folder, "made");
    writeFileSync(file, encodeOpensshKey(privateKey), { mode: 0o600 });
    const printed = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim();
    expect(readPublicKey(parseKeyLine(printed)).type).toBe("ssh-ed25519");
    expect(keyLine(parseKeyLine(printed))).toBe(printed.split(" ").slice(0, 2).join(" "));
  });

  test("a certificate is minted in less than a millisecond", async () => {
    for (let i = 0; i < 20; i++) await mint();
    const times: number[] = [];
    for (let i = 0; i < 200; i++) {
      const startedMs = performance.now();
      await mint();
      times.push(performance.now() - startedMs);
    }
    expect(times.sort((a, b) => a - b)[100]).toBeLessThan(1);
  });

  test("a short nonce is not taken", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const terms = { kind: "user", serial: 1n, keyId: "", principals: [], validAfter: 0n, validBefore: 1n } as const;
    expect(() =>
      issueCertificate({ ...terms, criticalOptions: {}, extensions: [] }, privateKey, privateKey, Buffer.alloc(8)),
    ).toThrow(RangeError);
  });
});

describe("rotation of the authority", () => {
  test("with overlap: no target is without a key that it trusts", async () => {
    const rotating = new FileAuthority(join(folder, "rotating.json"), Date.now);
    const states = (keys: readonly { state: string }[]) => keys.map(({ state }) => state);
    const first = await rotating.active();
    await expect(rotating.step("switch")).rejects.toMatchObject({ code: "invalid_request" });
    expect(states(await rotating.step("rotate"))).toEqual(["active", "next"]);
    expect((await rotating.active()).fingerprint).toBe(first.fingerprint);
    await expect(rotating.step("rotate")).rejects.toMatchObject({ code: "invalid_request" });
    expect(states(await rotating.step("switch"))).toEqual(["active", "old"]);
    expect((await rotating.active()).fingerprint).not.toBe(first.fingerprint);
    expect(states(await rotating.step("retire"))).toEqual(["active"]);
    // Another process sees it without a restart.
    expect((await new FileAuthority(join(folder, "rotating.json"), Date.now).active()).fingerprint).toBe(
      (await rotating.active()).fingerprint,
    );
  });

  test("two processes that make it at once have one key", async () => {
    const path = join(folder, "twice.json");
    const [a, b] = await Promise.all([new FileAuthority(path, Date.now).active(), new FileAuthority(path, () => 1).active()]);
    expect(a.fingerprint).toBe(b.fingerprint);
  });

  test("a file that others can read is not used", async () => {
    const path = join(folder, "open.json");
    await new FileAuthority(path, Date.now).active();
    execFileSync("chmod", ["644", path]);
    await expect(new FileAuthority(path, Date.now).active()).rejects.toMatchObject({ code: "target_credentials" });
  });
});

function accepts(blob: Buffer): boolean {
  try {
    return isIssued(readCertificate(blob));
  } catch {
    return false;
  }
}
