import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote } from "../harness/approver.ts";
import { type SshWorld, sshWorld } from "../harness/ssh-world.ts";

let world: SshWorld;
let cs: Countersign;
let alice: ApproverConnection;

beforeAll(async () => {
  world = await sshWorld();
  cs = world.instance.client();
  alice = await approverClient(world.instance, "alice");
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await cs?.close();
  await world?.[Symbol.asyncDispose]();
});

const web = () => cs.ssh("web-1");
const home = (name: string) => join(world.sshd.home, name);

/** Approves, or denies, the next request that a call holds. */
function voting(verdict: "approve" | "deny", seen: (id: string) => Promise<void> = async () => {}) {
  let voted: Promise<unknown> = Promise.resolve();
  const onEvent = (event: { type: string; requestId: string }) => {
    if (event.type !== "pending") return;
    voted = seen(event.requestId).then(() => vote(alice, event.requestId, verdict));
  };
  return { onEvent, voted: () => voted };
}

describe("commands", () => {
  test("what only reads runs at once, with a certificate", async () => {
    const result = await web().exec(["grep", "-c", "root:", "/etc/passwd"]);
    expect(result).toMatchObject({ exitCode: 0, receipt: { effect: "allow" } });
    expect(result.stdout.toString()).toBe("1\n");
    expect(world.sshd.log).toContain("ID countersign web-1 operator");
  });

  test("another code than 0 is a result", async () => {
    expect(await web().exec("grep -c nobody-at-all /etc/passwd")).toMatchObject({ exitCode: 1 });
  });

  test("ssh-scope: a held command runs after approval, with a certificate for it alone, whose serial is on record", async () => {
    const file = home("made by 'approval'");
    const { onEvent } = voting("approve", async (id) => {
      const shown = JSON.stringify(await getRequest(alice, id));
      for (const part of [`touch '${world.sshd.home}/made by`, "SHA256:", world.sshd.user, "certificate"])
        expect(shown).toContain(part);
      expect(existsSync(file)).toBe(false);
    });
    const result = await web().exec(["touch", file], { reason: "a mark", onEvent });
    expect(result).toMatchObject({ exitCode: 0, receipt: { effect: "review" } });
    expect(existsSync(file)).toBe(true);
    const serial = /ID countersign web-1 operator (\d+) \(serial/.exec(
      world.sshd.log
        .split("\n")
        .reverse()
        .find((line) => line.includes("Accepted publickey")) ?? "",
    )?.[1];
    const folder = join(world.instance.folder, "export");
    await world.instance.cli("audit", "export", folder);
    const intents = readFileSync(join(folder, "records.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const intent = intents.findLast(({ type }) => type === "intent");
    expect(intent.detail.marker).toMatchObject({ serial, hostKey: expect.stringMatching(/^SHA256:/) });
  });

  test("a denied command does not run", async () => {
    const { onEvent } = voting("deny");
    await expect(web().exec(["touch", home("denied")], { onEvent })).rejects.toMatchObject({ code: "denied" });
    await expect(web().exec("reboot")).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("platform team"),
    });
    expect(existsSync(home("denied"))).toBe(false);
  });

  test("ssh-stdin: the input is part of what is approved", async () => {
    const { onEvent } = voting("approve", async (id) => {
      expect(JSON.stringify(await getRequest(alice, id))).toContain("line of input");
    });
    await web().exec(["tee", home("teed")], { stdin: "line of input\n", onEvent });
    expect(readFileSync(home("teed"), "utf8")).toBe("line of input\n");
  });

  test("output streams while the command runs, stdout and stderr apart", async () => {
    const startedMs = Date.now();
    let firstMs = 0;
    const parts: string[] = [];
    const stream = web().stream("sh -c 'echo first; sleep 1; echo last >&2; exit 4'");
    for await (const part of stream) {
      firstMs ||= Date.now() - startedMs;
      parts.push(`${part.stream}: ${part.data}`);
    }
    expect(parts).toEqual(["stdout: first\n", "stderr: last\n"]);
    expect(firstMs).toBeLessThan(900);
    expect(stream.summary).toMatchObject({ exitCode: 4 });
  });

  test("100 MB of output arrive whole", async () => {
    let bytes = 0;
    for await (const { data } of web().stream("head -c 100000000 /dev/zero")) bytes += data.length;
    expect(bytes).toBe(100_000_000);
  });

  test("variables are part of the command line", async () => {
    await expect(web().exec("printenv LANG", { env: { "a b": "c" } })).rejects.toMatchObject({ code: "invalid_operation" });
    const result = await web().exec("sh -c 'echo $WHO'", { env: { WHO: "it's me" } });
    expect(result.stdout.toString()).toBe("it's me\n");
  });

  test("the caller's abort stops what runs", async () => {
    const abort = new AbortController();
    const running = web().exec("sleep 30", { signal: abort.signal, cancelOnAbort: true });
    await sleep(700);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("files", () => {
  test("are read and listed where a rule says so", async () => {
    await web().exec("true");
    const { onEvent } = voting("approve", async (id) => {
      expect(JSON.stringify(await getRequest(alice, id))).toContain("hello\\\\n\\u0000".slice(0, 5));
    });
    await web().writeFile(home("page"), "hello\n", { attributes: { mode: 0o600 }, onEvent });
    expect((await web().readFile(home("page"))).toString()).toBe("hello\n");
    expect((await web().list(world.sshd.home)).find(({ name }) => name === "page")).toMatchObject({ size: 6, mode: 0o100600 });
  });

  test("are refused elsewhere", async () => {
    await expect(web().readFile("/etc/shadow")).rejects.toMatchObject({ code: "denied" });
    await expect(web().readFile(`${world.sshd.home}/../../../etc/passwd`)).rejects.toMatchObject({ code: "denied" });
  });
});

test("a lock stops a running command", async () => {
  const running = web()
    .exec("sleep 30")
    .then(
      () => "ran",
      (error: { code: string }) => error.code,
    );
  await sleep(700);
  const locked = await world.instance.cli("lock", "resource", "web-1", "--reason", "test", "--as", "alice");
  expect(locked.stderr + locked.stdout).toBeTruthy();
  const startedMs = Date.now();
  expect(await running).not.toBe("ran");
  expect(Date.now() - startedMs).toBeLessThan(3000);
});
