import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import { program, type SshWorld, sshWorld } from "../harness/ssh-world.ts";

const streams = `
  - id: tests-stream
    resources: [web-1]
    when: '!ssh.readOnly && ssh.stdin in ["none", "streamed"] && ssh.programs.exists(p, p in ["sh", "cat", "git-upload-pack", "git-receive-pack", "rsync", "scp"]) && ssh.file == ""'
    effect: allow
    opaque: true
    role: operator
  - id: looking-is-free
    resources: [web-1]
    when: ssh.readOnly && ssh.file == ""
    effect: allow
    role: operator
  - id: files-of-the-home
    resources: [web-1]
    when: 'ssh.file in ["read", "write", "list", "stat", "real-path", "set-attributes"] && ssh.paths.all(p, p == "." || p.startsWith("/tmp/cs-sshd-"))'
    effect: allow
    role: fixed
  - id: changes-need-a-human
    resources: [web-1]
    when: ssh.programs.exists(p, p in ["touch", "tee"])
    effect: review
    role: operator
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;

/** A listener with a target behind it; it is there while the tests of a file that imports this run. */
export let world: SshWorld;
let alice: ApproverConnection;
/** The agent's private key, a path. */
export let key: string;
export let address: { host: string; port: string };
/** What OpenSSH's programs need to reach it. */
export let options: string[];

beforeAll(async () => {
  world = await sshWorld({ policy: `version: 1\nrules:${streams}`, listens: true });
  alice = await approverClient(world.instance, "alice");
  key = world.agentKey;
  const [host = "", port = ""] = world.ssh.address.split(":");
  address = { host, port };
  const known = join(world.instance.folder, "known_hosts");
  writeFileSync(known, `[${host}]:${port} ${world.ssh.hostKey}\n`);
  options = [
    "-F",
    "none",
    "-i",
    key,
    "-o",
    "IdentitiesOnly=yes",
    "-o",
    "BatchMode=yes",
    "-o",
    `UserKnownHostsFile=${known}`,
    "-o",
    "StrictHostKeyChecking=yes",
  ];
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

/** Runs `ssh`: options, `--`, the command. */
export const ssh = (args: readonly string[], more: { input?: string | Buffer } = {}, login = "web-1") =>
  program(
    "ssh",
    [
      ...options,
      "-p",
      address.port,
      ...args.slice(0, args.indexOf("--")),
      `${login}@${address.host}`,
      ...args.slice(args.indexOf("--") + 1),
    ],
    more,
  );
/** A file in the home of the target's login. */
export const home = (name: string) => join(world.sshd.home, name);

/** Votes on the next request of the instance. */
export async function nextVote(verdict: "approve" | "deny"): Promise<void> {
  for (;;) {
    const { stdout } = await world.instance.cli("requests", "--json", "--as", "alice");
    const id = /req_[0-9A-Z]+/.exec(stdout)?.[0];
    if (id !== undefined) {
      await vote(alice, id, verdict);
      return;
    }
  }
}

/** Every record of the audit log, exported. */
export async function audited(): Promise<Record[]> {
  const folder = join(world.instance.folder, `export-${Date.now()}`);
  const { code } = await world.instance.cli("audit", "export", folder);
  if (code !== 0) throw new Error("The audit log could not be exported.");
  const text = readFileSync(join(folder, "records.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

interface Record {
  readonly type: string;
  readonly detail: { readonly [key: string]: unknown };
}
