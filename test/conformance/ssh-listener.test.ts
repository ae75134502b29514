import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { describe, expect, test, vi } from "vitest";
import { program } from "../harness/ssh-world.ts";
import { address, audited, home, key, nextVote, options, ssh, world } from "./ssh-listener-world.ts";

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
    const failed = (await audited())
      .filter(({ type, detail }) => type === "sign-in" && detail.method === "ssh")
      .map(({ detail }) => detail);
    expect(failed).toContainEqual({
      ...{ accepted: false, method: "ssh", listener: "127.0.0.1:0", from: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      ...{ proof: "key", why: "the key is not registered" },
      claims: { user: "web-1", key: expect.stringMatching(/^SHA256:/) },
    });
    expect(failed).toContainEqual(expect.objectContaining({ proof: "token", why: expect.stringContaining("base64url") }));
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
