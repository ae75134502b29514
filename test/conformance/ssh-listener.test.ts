import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
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

let world: SshWorld;
let alice: ApproverConnection;
let key: string;
let address: { host: string; port: string };
let options: string[];

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

const ssh = (args: readonly string[], more: { input?: string | Buffer } = {}, login = "web-1") =>
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
const home = (name: string) => join(world.sshd.home, name);

/** Votes on the next request of the instance. */
async function nextVote(verdict: "approve" | "deny"): Promise<void> {
  for (;;) {
    const { stdout } = await world.instance.cli("requests", "--json", "--as", "alice");
    const id = /req_[0-9A-Z]+/.exec(stdout)?.[0];
    if (id !== undefined) {
      await vote(alice, id, verdict);
      return;
    }
  }
}

describe("OpenSSH's client", () => {
  test("an allowed command: output, exit status and streams as direct", async () => {
    const done = await ssh(["--", "sh -c 'printf out; printf err >&2; exit 7'"]);
    expect(done).toMatchObject({ code: 7, stderr: "err" });
    expect(done.stdout.toString()).toBe("out");
  });

  test("standard input and output are passed on byte for byte, both ways at once", async () => {
    const bytes = randomBytes(5_000_000);
    const { stdout, code } = await ssh(["--", "cat"], { input: bytes });
    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
  });

  test("a signal that ends the command", async () => {
    expect((await ssh(["--", "sh -c 'kill -TERM $$'"])).code).toBe(255);
  });

  test("-n, and a terminal", async () => {
    expect((await ssh(["-n", "--", "sh -c 'cat; echo end'"])).stdout.toString()).toBe("end\n");
    expect((await ssh(["-tt", "--", "sh -c 'test -t 1 && echo terminal'"])).stdout.toString()).toContain("terminal");
  });

  test("a denied command: said on stderr, exit status 126", async () => {
    const done = await ssh(["--", "reboot"]);
    expect(done).toMatchObject({ code: 126, stderr: expect.stringContaining("countersign: denied:") });
    expect(done.stderr).toMatch(/req_/);
  });

  test("ssh-scope: what sshd would serve files for as a forced command is no command", async () => {
    const done = await ssh(["--", "internal-sftp -R"]);
    expect(done).toMatchObject({ code: 126, stderr: expect.stringContaining("internal-sftp is no command") });
  });

  test("a held command waits on the open connection, says where, and runs after approval", async () => {
    const [done] = await Promise.all([ssh(["-n", "--", `touch ${home("held")}`]), nextVote("approve")]);
    expect(done).toMatchObject({ code: 0, stderr: expect.stringMatching(/waiting for approval: http/) });
    expect(existsSync(home("held"))).toBe(true);
  });

  test("ssh-stdin: input of a held command is captured and bound, not streamed", async () => {
    const [done] = await Promise.all([ssh(["--", `tee ${home("teed")}`], { input: "bound\n" }), nextVote("approve")]);
    expect(done.code).toBe(0);
    expect(readFileSync(home("teed"), "utf8")).toBe("bound\n");
  });

  test("a refused hold", async () => {
    const [done] = await Promise.all([ssh(["-n", "--", `touch ${home("refused")}`]), nextVote("deny")]);
    expect(done).toMatchObject({ code: 126, stderr: expect.stringContaining("denied") });
    expect(existsSync(home("refused"))).toBe(false);
  });

  test("a role by name, an unknown role, an unknown resource", async () => {
    expect((await ssh(["--", "true"], {}, "operator%web-1")).code).toBe(0);
    expect(await ssh(["--", "true"], {}, "root%web-1")).toMatchObject({
      code: 126,
      stderr: expect.stringContaining("operator, fixed"),
    });
    expect(await ssh(["--", "true"], {}, "nowhere")).toMatchObject({ code: 126, stderr: expect.stringContaining("nowhere") });
  });

  test("no key, no way in; a token as the password is one", async () => {
    const stranger = world.sshd.keyPair("stranger-key");
    const others = options.map((option) => (option === key ? stranger : option));
    expect((await program("ssh", [...others, "-p", address.port, `web-1@${address.host}`, "true"])).code).toBe(255);
    const guess = new ssh2.Client();
    const refused = new Promise((resolve) => guess.once("error", resolve));
    guess.connect({ host: address.host, port: Number(address.port), username: "web-1", password: "a guess" });
    expect(await refused).toBeInstanceOf(Error);
    const { stdout: token } = await world.instance.cli("token", "--subject", "ssh-agent");
    const askpass = join(world.instance.folder, "askpass");
    writeFileSync(askpass, `#!/bin/sh\necho '${token.trim()}'\n`, { mode: 0o700 });
    const byToken = options.filter((option) => option !== "BatchMode=yes" && option !== "-i" && option !== key);
    const done = await program(
      "setsid",
      [
        "ssh",
        ...byToken
          .filter((option, index) => !(option === "-o" && byToken[index + 1] === undefined))
          .join(" ")
          .replace(/-o (?=-o)/g, "")
          .split(" "),
        "-o",
        "PubkeyAuthentication=no",
        "-p",
        address.port,
        `web-1@${address.host}`,
        "whoami",
      ],
      { env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":0" } },
    );
    expect(done.stdout.toString().trim()).toBe(world.sshd.user);
  });

  test("an OpenSSH certificate of a trusted authority", async () => {
    const own = world.sshd.keyPair("certified");
    await program("ssh-keygen", [
      "-q",
      "-s",
      world.userAuthority,
      "-I",
      "id",
      "-n",
      "deploy-agent",
      "-O",
      "clear",
      "-V",
      "-1m:+5m",
      `${own}.pub`,
    ]);
    const done = await program("ssh", [
      ...options.map((option) => (option === key ? own : option)),
      "-p",
      address.port,
      `web-1@${address.host}`,
      "echo in",
    ]);
    expect(done).toMatchObject({ code: 0 });
    await program("ssh-keygen", ["-q", "-s", world.userAuthority, "-I", "id", "-n", "a,b", "-V", "-1m:+5m", `${own}.pub`]);
    expect(
      (
        await program("ssh", [
          ...options.map((option) => (option === key ? own : option)),
          "-p",
          address.port,
          `web-1@${address.host}`,
          "echo in",
        ])
      ).code,
    ).toBe(255);
  });

  test("git clone and push, and rsync, as without it", async () => {
    const repository = home("repo.git");
    const work = join(world.instance.folder, "work");
    const git = (...args: string[]) =>
      program("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
        cwd: world.instance.folder,
        env: { GIT_SSH_COMMAND: ["ssh", ...options].join(" "), GIT_CONFIG_GLOBAL: "/dev/null" },
      });
    await program("runuser", ["-u", world.sshd.user, "--", "git", "init", "-q", "--bare", repository]).catch(() =>
      git("init", "-q", "--bare", repository),
    );
    const url = `ssh://web-1@${address.host}:${address.port}${repository}`;
    expect(await git("clone", "-q", url, work)).toMatchObject({ code: 0 });
    writeFileSync(join(work, "file"), "content");
    for (const args of [
      ["add", "."],
      ["commit", "-q", "-m", "one"],
      ["push", "-q", "origin", "HEAD"],
    ])
      expect(await git("-C", work, ...args)).toMatchObject({ code: 0 });
    const again = join(world.instance.folder, "again");
    await git("clone", "-q", url, again);
    expect(readFileSync(join(again, "file"), "utf8")).toBe("content");
    const copied = await program("rsync", [
      "-a",
      "-e",
      ["ssh", ...options, "-p", address.port].join(" "),
      `${work}/file`,
      `web-1@${address.host}:${home("rsynced")}`,
    ]);
    expect(copied).toMatchObject({ code: 0 });
    expect(readFileSync(home("rsynced"), "utf8")).toBe("content");
    const old = await program("scp", [
      "-O",
      ...options,
      "-P",
      address.port,
      join(work, "file"),
      `web-1@${address.host}:${home("copied")}`,
    ]);
    expect(old).toMatchObject({ code: 0 });
    expect(readFileSync(home("copied"), "utf8")).toBe("content");
  });
});

describe("files over SFTP, each request an action of its own", () => {
  const sftp = (...lines: string[]) => {
    const batch = join(world.instance.folder, "batch");
    writeFileSync(batch, lines.map((line) => `${line}\n`).join(""));
    return program("sftp", [...options, "-P", address.port, "-b", batch, `web-1@${address.host}`]);
  };

  test("sftp and scp put and get whole files", async () => {
    const bytes = randomBytes(700_000);
    const local = join(world.instance.folder, "local");
    writeFileSync(local, bytes);
    expect(
      await sftp(`put ${local} ${home("put")}`, `ls -l ${world.sshd.home}`, `get ${home("put")} ${local}.back`),
    ).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(home("put")).equals(bytes)).toBe(true);
    expect(readFileSync(`${local}.back`).equals(bytes)).toBe(true);
    const copied = await program("scp", [...options, "-P", address.port, local, `web-1@${address.host}:${home("scp")}`]);
    expect(copied).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(home("scp")).equals(bytes)).toBe(true);
  });

  test("what policy does not allow is refused, and nothing is written", async () => {
    const local = join(world.instance.folder, "local");
    expect((await sftp(`get /etc/passwd ${local}.passwd`)).code).not.toBe(0);
    expect(existsSync(`${local}.passwd`)).toBe(false);
    expect((await sftp(`rm ${home("put")}`)).code).not.toBe(0);
    expect((await sftp(`put ${local} /etc/forged`)).code).not.toBe(0);
    expect(existsSync(home("put"))).toBe(true);
    expect(existsSync("/etc/forged")).toBe(false);
  });
});

test("paramiko, another implementation", async () => {
  const script = `
import sys, paramiko
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(sys.argv[1], port=int(sys.argv[2]), username="web-1", key_filename=sys.argv[3], look_for_keys=False, allow_agent=False)
stdin, stdout, stderr = client.exec_command("sh -c 'cat; echo err >&2; exit 5'")
stdin.write("through paramiko"); stdin.channel.shutdown_write()
print(stdout.read().decode(), stderr.read().decode().strip(), stdout.channel.recv_exit_status())
_, out, err = client.exec_command("reboot")
print(out.channel.recv_exit_status(), "denied" in err.read().decode())
print(client.open_sftp().open(sys.argv[4]).read().decode())
`;
  writeFileSync(home("greeting"), "hello");
  const done = await program("/usr/bin/python3", ["-c", script, address.host, address.port, key, home("greeting")]);
  expect(done.stdout.toString().split("\n")).toEqual(["through paramiko err 5", "126 True", "hello", ""]);
});

test("dropbear's client, which guesses the first key exchange", async () => {
  const own = join(world.instance.folder, "dropbear-key");
  expect((await program("dropbearconvert", ["openssh", "dropbear", key, own])).code).toBe(0);
  // Its known hosts go to the home of whoever runs it.
  const env = { HOME: world.instance.folder };
  const dbclient = (...command: string[]) =>
    program("dbclient", ["-y", "-i", own, "-p", address.port, `web-1@${address.host}`, ...command], { input: "in", env });
  const done = await dbclient("sh -c 'cat; echo err >&2; exit 5'");
  expect([done.code, done.stdout.toString()]).toEqual([5, "in"]);
  expect(done.stderr).toContain("err\n");
  expect(await dbclient("reboot")).toMatchObject({ code: 126, stderr: expect.stringContaining("denied") });
});

describe("ssh-channels: what is no command is refused and recorded", () => {
  let client: InstanceType<typeof ssh2.Client>;
  beforeAll(async () => {
    client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve).once("error", reject);
      client.connect({
        host: address.host,
        port: Number(address.port),
        username: "web-1",
        privateKey: readFileSync(key),
        strictVendor: false,
      });
    });
  });
  afterAll(() => void client?.end());
  type Raw = { _protocol: Record<string, (...args: never[]) => void>; _chanMgr: { add: (waiting: object) => number } };

  const failure = (ask: (done: (error: Error | undefined) => void) => void) =>
    new Promise<Error | undefined>((resolve) => ask((error) => resolve(error)));

  test.each<[string, (done: (error?: Error) => void) => void]>([
    ["direct-tcpip", (done) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 22, done)],
    ["direct-streamlocal@openssh.com", (done) => client.openssh_forwardOutStreamLocal("/tmp/x", done)],
    ["tcpip-forward", (done) => client.forwardIn("127.0.0.1", 0, done)],
    [
      "streamlocal-forward@openssh.com",
      (done) => client.openssh_forwardInStreamLocal("/tmp/y", (error) => done(error ?? undefined)),
    ],
    ["subsystem netconf", (done) => client.subsys("netconf", done)],
    ["x11-req", (done) => client.exec("true", { x11: true }, done)],
  ])("%s", async (_, ask) => {
    expect(await failure(ask)).toBeInstanceOf(Error);
  });

  test("a shell", async () => {
    const code = await new Promise((resolve) => client.shell(false, (_error, channel) => channel.on("exit", resolve).resume()));
    expect(code).toBe(126);
  });

  test("env", async () => {
    const text = await new Promise<string>((resolve) =>
      client.exec("sh -c 'echo $SECRET_NAME'", { env: { SECRET_NAME: "set" } }, (_error, channel) => {
        let all = "";
        channel.on("data", (data: Buffer) => (all += data.toString())).on("close", () => resolve(all));
      }),
    );
    expect(text.trim()).toBe("");
  });

  const origin = Buffer.concat([lengthed("127.0.0.1"), word(1)]);
  test.each<[string, Buffer]>([
    ["tun@openssh.com", Buffer.concat([word(1), word(0)])],
    ["x11", origin],
    ["forwarded-tcpip", Buffer.concat([origin, origin])],
    ["auth-agent@openssh.com", Buffer.alloc(0)],
    ["made-up", randomBytes(100)],
  ])("a channel of the type %s", async (type, rest) => {
    const { _protocol, _chanMgr } = client as unknown as Raw;
    const refused = new Promise<unknown>((resolve) => {
      const id = _chanMgr.add(Object.assign((error: unknown) => resolve(error), { type }));
      const writer = _protocol as unknown as {
        _packetRW: { write: { alloc(n: number): Buffer; allocStart: number; finalize(p: Buffer): Buffer } };
        _cipher: { encrypt(p: Buffer): void };
      };
      const payload = Buffer.concat([Buffer.of(90), lengthed(type), word(id), word(1 << 20), word(32768), rest]);
      const packet = writer._packetRW.write.alloc(payload.length);
      packet.set(payload, writer._packetRW.write.allocStart);
      writer._cipher.encrypt(writer._packetRW.write.finalize(packet));
    });
    expect(await refused).toBeInstanceOf(Error);
  });

  test("all of it is on record", async () => {
    const folder = join(world.instance.folder, "export");
    expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
    const text = readFileSync(join(folder, "records.jsonl"), "utf8");
    const records = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const failed = records
      .filter(({ type, detail }) => type === "sign-in" && detail.method === "ssh")
      .map(({ detail }) => detail);
    expect(failed).toContainEqual({
      ...{ accepted: false, method: "ssh", listener: "127.0.0.1:0", from: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      ...{ proof: "key", why: "the key is not registered" },
      claims: { user: "web-1", key: expect.stringMatching(/^SHA256:/) },
    });
    expect(failed).toContainEqual(expect.objectContaining({ proof: "token", why: expect.stringContaining("base64url") }));
    const refusals = records.filter(({ type, detail }) => type === "refusal" && detail.code === "invalid_operation");
    expect(refusals.length).toBeGreaterThanOrEqual(12);
  });

  test("trailing bytes after a request end the connection", async () => {
    const other = new ssh2.Client();
    await new Promise<void>((resolve) =>
      other
        .once("ready", resolve)
        .connect({ host: address.host, port: Number(address.port), username: "web-1", privateKey: readFileSync(key) }),
    );
    const closed = new Promise<void>((resolve) => other.once("close", resolve));
    other.on("error", () => {});
    const writer = (other as unknown as Raw)._protocol as unknown as {
      _packetRW: { write: { alloc(n: number): Buffer; allocStart: number; finalize(p: Buffer): Buffer } };
      _cipher: { encrypt(p: Buffer): void };
    };
    const payload = Buffer.concat([Buffer.of(90), lengthed("session"), word(0), word(1 << 20), word(32768), Buffer.from("more")]);
    const packet = writer._packetRW.write.alloc(payload.length);
    packet.set(payload, writer._packetRW.write.allocStart);
    writer._cipher.encrypt(writer._packetRW.write.finalize(packet));
    await closed;
  });
});

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthed(text: string): Buffer {
  return Buffer.concat([word(Buffer.byteLength(text)), Buffer.from(text)]);
}

test("ap-revoke: a lock cuts what runs, and the client is told why", async () => {
  const started = ssh(["-n", "--", `sh -c '>${home("runs")}; sleep 60'`]);
  await vi.waitFor(() => expect(existsSync(home("runs"))).toBe(true), { timeout: 10_000 });
  const locked = await world.instance.cli("lock", "resource", "web-1", "--reason", "test", "--as", "alice");
  expect(locked).toMatchObject({ code: 0 });
  const atMs = Date.now();
  const done = await started;
  expect(Date.now() - atMs).toBeLessThan(2500);
  expect(done.stderr).toMatch(/Revoked/);
  expect(done.code).not.toBe(0);
  expect(await ssh(["--", "true"])).toMatchObject({ code: 126, stderr: expect.stringMatching(/lock/i) });
});
