import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import { program, type SshWorld, sshWorld } from "../harness/ssh-world.ts";

const policy = `version: 1
rules:
  - { id: shells, resources: [web-1], when: 'ssh.subsystem == "guarded-shell" && role != "fixed"', effect: allow, role: operator }
  - id: shells-of-another-role
    resources: [web-1]
    when: ssh.subsystem == "guarded-shell" && role == "fixed"
    effect: review
    role: fixed
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - { id: looking-is-free, resources: [web-1], when: 'ssh.readOnly && ssh.file == ""', effect: allow, role: operator }
  - id: scripts
    resources: [web-1]
    when: '!ssh.readOnly && ssh.programs.exists(p, p in ["sh", "printenv"])'
    effect: allow
    opaque: true
    role: operator
  - id: changes-need-a-human
    resources: [web-1]
    when: 'ssh.programs.exists(p, p == "touch") && ssh.directory != "/never"'
    effect: review
    role: operator
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - { id: never, resources: [web-1], when: 'ssh.programs.exists(p, p == "reboot")', effect: deny, message: Ask the platform team. }
`;

/** Nobody answers a question sooner: what comes then is the rest of a paste. */
const answered = 400;

let world: SshWorld;
let alice: ApproverConnection;
let options: string[];

beforeAll(async () => {
  world = await sshWorld({ policy, listens: true });
  alice = await approverClient(world.instance, "alice");
  const [host = "", port = ""] = world.ssh.address.split(":");
  const known = join(world.instance.folder, "known_hosts");
  writeFileSync(known, `[${host}]:${port} ${world.ssh.hostKey}\n`);
  const settings = [
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "LogLevel=ERROR",
    `UserKnownHostsFile=${known}`,
    "StrictHostKeyChecking=yes",
  ];
  options = ["-F", "none", "-i", world.agentKey, "-p", port, ...settings.flatMap((one) => ["-o", one]), `web-1@${host}`];
  mkdirSync(join(world.sshd.home, "it's here"));
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

/** OpenSSH's client with a terminal, and somebody who types. */
class Typist implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly closed: Promise<number | null>;
  #shown = "";
  #seen = 0;

  constructor(args: readonly string[] = ["-tt", ...options]) {
    this.#child = spawn("ssh", args, { stdio: "pipe" });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on("data", (data: Buffer) => {
        this.#shown += data.toString();
      });
    this.#child.stdin.on("error", () => {});
    this.closed = new Promise((resolve) => this.#child.once("close", resolve));
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** What is shown up to where this appears, since the last time. */
  async until(what: RegExp | string): Promise<string> {
    let found = -1;
    await expect
      .poll(
        () => {
          const rest = this.#shown.slice(this.#seen);
          const match = typeof what === "string" ? { index: rest.indexOf(what), 0: what } : what.exec(rest);
          found = match === null || match.index < 0 ? -1 : this.#seen + match.index + match[0].length;
          return found >= 0 ? "" : `no ${what} in: ${rest}`;
        },
        { timeout: 10_000, interval: 10 },
      )
      .toBe("");
    const text = this.#shown.slice(this.#seen, found);
    this.#seen = found;
    return text;
  }

  /** Types a line when there is a prompt, and gives what is shown up to its mark. */
  async line(text: string, mark: RegExp | string = /[✓✗⊘] .*/): Promise<string> {
    await this.until("$ ");
    this.type(`${text}\r`);
    return this.until(mark);
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

const idIn = (text: string) => /req_[0-9A-Z]+/.exec(text)?.[0] ?? "";

async function records(): Promise<Record<string, never>[]> {
  const folder = join(world.instance.folder, `export-${Math.random()}`);
  expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
  return readFileSync(join(folder, "records.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("lines run one by one, with their status, directory and variables", async () => {
  using typist = new Typist();
  await typist.until("guarded shell");
  expect(await typist.line("echo one")).toMatch(/one\r\n.*✓ ran, exit status 0/s);
  expect(await typist.line("internal-sftp")).toContain("internal-sftp is no command");
  expect(await typist.line("sh -c 'exit 3'")).toContain("✗ ran, exit status 3");
  expect(await typist.line("echo $?", "\r\n3\r\n")).toBeDefined();
  expect(await typist.line("cd /nowhere")).toMatch(/nowhere.*✗ cd ran, exit status [12]/s);
  await typist.line(`cd "${world.sshd.home}/it's here"`, "here");
  expect(await typist.line("pwd", /here\r\n/)).toContain("it's here");
  await typist.line("cd ..", "..");
  expect(await typist.line("ls", /✓/)).toContain("it's here");
  await typist.line("export TZ=UTC", "UTC");
  expect(await typist.line("sh -c 'echo zone $TZ in $PWD; cat; echo end'", /end\r\n/)).toContain(
    `zone UTC in ${world.sshd.home}`,
  );
  expect(await typist.line("export PATH=/tmp")).toContain("⊘ PATH says what runs");
  expect(await typist.line("reboot")).toMatch(/⊘ refused: denied: .*Ask the platform team\. \(req_/);
  await typist.line("exit 5", "exit 5");
  expect(await typist.closed).toBe(5);
});

test("a line that needs people waits, says where, and runs after approval; Ctrl-C takes it back", async () => {
  using typist = new Typist();
  const held = join(world.sshd.home, "held");
  await typist.line(`cd ${world.sshd.home}`, "cd ");
  expect(await typist.line("touch held", /… waiting for approval: .*/)).toMatch(/http/);
  const { stdout } = await world.instance.cli("requests", "--json", "--as", "alice");
  expect(stdout).toContain(`cd '${world.sshd.home}' && touch held`);
  await vote(alice, idIn(stdout), "approve");
  await typist.until("✓ ran, exit status 0");
  expect(existsSync(held)).toBe(true);
  await typist.line("touch never", /… waiting for approval: .*/);
  typist.type("\x03");
  await typist.until("⊘ did not run: cancelled");
  expect(await typist.line("echo $?", "130\r\n")).toBeDefined();
  await vote(alice, idIn(await typist.line("touch refused", /… waiting for approval: .*/)), "deny");
  await typist.until("⊘ refused: denied");
  expect(existsSync(join(world.sshd.home, "never"))).toBe(false);
});

test("a shell that needs people waits as a whole; Ctrl-C takes it back, and what was typed meanwhile is nothing", async () => {
  const asFixed = ["-tt", ...options.slice(0, -1), `fixed%${options.at(-1)}`];
  using impatient = new Typist(asFixed);
  await impatient.until("waiting for approval");
  impatient.type("\x03");
  expect(await impatient.closed).toBe(126);
  using typist = new Typist(asFixed);
  const waits = await typist.until(/waiting for approval: .*/);
  typist.type("exit 9\r");
  await vote(alice, idIn(waits), "approve");
  await typist.line("exit 3", "exit 3");
  expect(await typist.closed).toBe(3);
});

test("keys edit the line, and what is seen is what runs", async () => {
  using typist = new Typist();
  await typist.until("$ ");
  typist.type("xcho 'tw漢o\x1b[D\x7f\x01\x1b[3~e\x05 é'\x1a\u202e\r");
  expect(await typist.until(/✓/)).toContain("\r\ntwo é\r\n");
  expect(await typist.line("\x1b[A", /✓/)).toContain("two é");
  expect(await typist.line("upti\t", /✓/)).toContain("load average");
});

test("what is pasted is shown as one text, and runs only after a yes", async () => {
  using typist = new Typist();
  await typist.until("$ ");
  typist.type("\x1b[200~echo first\recho second\r\x1b[201~");
  expect(await typist.until("drops them: ")).toMatch(/ {2}\| echo first\r\n {2}\| echo second/);
  await sleep(answered);
  typist.type("n\r");
  await typist.until("⊘ dropped");
  await typist.until("$ ");
  // Without marks, as from a terminal that knows none.
  typist.type("echo first\recho second\r");
  await typist.until("drops them: ");
  await sleep(answered);
  typist.type("y\r");
  expect(await typist.until(/✓/)).toMatch(/first\r\nsecond\r\n/);
  expect(await typist.line("echo 'a", "> ")).toBeDefined();
  typist.type("b'\r");
  expect(await typist.until(/✓/)).toContain("a\r\nb\r\n");
});

test("without a terminal lines are read plainly, and the exit status is the last one's", async () => {
  const input = `echo out\ncd ${world.sshd.home}\npwd\nsh -c 'cat; echo err >&2; exit 4'\n`;
  const done = await program("ssh", ["-T", ...options], { input });
  expect(done).toMatchObject({ code: 4, stderr: expect.stringContaining("err\n✗ ran, exit status 4\n") });
  expect(done.stdout.toString()).toBe(`out\n${world.sshd.home}\n`);
});

test("a lock ends the shell at once and says why; afterwards there is none", async () => {
  using typist = new Typist();
  await typist.line("sh -c 'echo running; sleep 30'", "running\r\n");
  const began = Date.now();
  const done = await world.instance.cli("lock", "resource", "web-1", "--reason", "test", "--as", "alice");
  expect(done).toMatchObject({ code: 0 });
  await typist.until("The shell has ended: Revoked");
  await typist.closed;
  expect(Date.now() - began).toBeLessThan(10_000);
});

test("each line is on record by itself, and the shell is recorded as it was seen", async () => {
  const all = await records();
  const kinds = all.map(({ type }) => String(type));
  expect(kinds.filter((type) => type === "session.started").length).toBeGreaterThanOrEqual(4);
  // A certificate for each line, and none for the shell itself.
  const serials = JSON.stringify(all.filter(({ type }) => String(type) === "intent")).match(/"serial":"?\d+/g) ?? [];
  expect(serials.length).toBeGreaterThan(10);
  expect(new Set(serials).size).toBe(serials.length);
  expect(kinds.filter((type) => type === "intent").length).toBeGreaterThan(15);
  expect(JSON.stringify(all.filter(({ type }) => String(type) === "session.ended"))).toContain("It ended with exit status 5.");
  expect(all.findLast(({ type }) => String(type) === "session.ended")).toMatchObject({ detail: { reason: "revoked" } });
});
