import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RecordedSession, RequestState } from "@countersign/rpc";
import { Agent, fetch } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { PodSessions } from "../harness/kubernetes/stream/pod-sessions.ts";
import { SessionClient } from "../harness/kubernetes/stream/session-client.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId } from "../harness/waiting.ts";

const policy = `version: 1
rules:
  - id: small-commands
    when: kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] in ["echo", "cat", "yes"] && !kubernetes.tty
    effect: allow
    opaque: true
    role: reader
    limits: { bytes: 100kB }
  - id: by-hand
    when: kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] in ["touch", "sh"]
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: terminals
    when: kubernetes.subresource == "exec" && kubernetes.tty && kubernetes.argv == ["bash"]
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }], input: unseen }
`;

/** More than the tests ask for as anybody but the one who floods. */
const perMinute = 60;

let world: KubernetesWorld;
let alice: ApproverConnection;
let sessions: PodSessions;
let token: string;

beforeAll(async () => {
  const listener = 'sidecar:\n  kubernetes:\n    - { tcp: "127.0.0.1:0" }\n';
  world = await kubernetesWorld({ policy, config: `${listener}limits: { requestsPerMinute: ${perMinute} }\n` });
  alice = await approverClient(world.instance, "alice");
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  sessions = new PodSessions();
  world.api.takeUpgrade = sessions.take;
});

const pod = "/api/v1/namespaces/shop/pods/web-0";

function open(
  argv: readonly string[],
  more = "&stdout=true&stderr=true",
  protocols?: readonly string[],
  bearer = token,
): Promise<SessionClient> {
  const words = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  return SessionClient.open(`${world.server}${pod}/exec?${words}${more}`, {
    token: bearer,
    ca: world.ca,
    ...(protocols && { protocols }),
  });
}

const terminal = "&stdin=true&stdout=true&tty=true";

/** A terminal that somebody has agreed to, at its prompt. */
async function approvedTerminal(known: readonly string[] = []) {
  const opening = open(["bash"], terminal);
  const id = await waitingId(alice, "command=bash", known);
  expect(sessions.begun).toEqual([]);
  await vote(alice, id, "approve");
  const client = await opening;
  client.resize(91, 31);
  client.type("PS1='% '; echo rea''dy\r");
  await expect.poll(() => client.stdout, { timeout: 5000 }).toMatch(/^ready/m);
  return { id, client };
}

/** How a session ended, once it has. */
async function endOf(id: string): Promise<RecordedSession["end"]> {
  const { client, metadata } = alice;
  const look = () =>
    new Promise<RecordedSession["end"]>((resolve, reject) =>
      client.listSessions({ requestId: id, pageSize: 0, pageToken: "" }, metadata, (error, answer) =>
        error ? reject(error) : resolve(answer.sessions[0]?.end),
      ),
    );
  await expect.poll(look, { timeout: 10_000 }).toBeDefined();
  return look();
}

/** The recording, as a player gets it. */
async function recording(id: string) {
  const file = join(world.instance.folder, `${id}.cast`);
  const { stderr } = await world.instance.cli("replay", id, "--output", file, "--as", "alice");
  expect(stderr).toContain("it has the hash that the audit log holds");
  const [, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const events = lines.map((line): [number, string, string] => JSON.parse(line));
  const of = (type: string) => events.flatMap(([, one, data]) => (one === type ? [data] : [])).join("");
  return { shown: of("o"), typed: of("i"), sizes: of("r") };
}

describe("a terminal in a container", () => {
  test("only by a rule for terminals, held, recorded whole, with its exit code", async () => {
    await expect(open(["sh"], terminal)).rejects.toThrow(/400 .*input: unseen/);
    await expect(open(["echo", "hi"], `${terminal}`)).rejects.toThrow(/^403 /);
    const { id, client } = await approvedTerminal();
    client.type("echo 'h\u00e9llo'; exit 7\r");
    await client.closed();
    expect(client.status).toMatchObject({ status: "Failure", reason: "NonZeroExitCode" });
    expect(await endOf(id)).toMatchObject({ reason: "exited", message: "It ended with exit status 7." });
    const { shown, typed, sizes } = await recording(id);
    expect([shown, sizes]).toEqual([client.stdout, "91x31"]);
    expect(typed).toContain("exit 7\r");
    expect((await getRequest(alice, id)).outcome).toMatchObject({ exitCode: 7 });
  });

  test("is cut in a quarter of a second when it is revoked; client and recording hear why", async () => {
    const { id, client } = await approvedTerminal();
    const cutMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const { client: api, metadata } = alice;
      api.cutSession({ id, reason: "It went wild." }, metadata, (error) => (error ? reject(error) : resolve()));
    });
    await client.closed();
    console.log(`cut: the client's connection ended after ${((client.endedMs ?? 0) - cutMs).toFixed(0)} ms`);
    expect((client.endedMs ?? 0) - cutMs).toBeLessThan(2500);
    client.type("touch /tmp/never\r");
    expect(client.status).toMatchObject({
      status: "Failure",
      code: 403,
      message: expect.stringMatching(/Revoked|cut the session/),
    });
    expect(sessions.begun[0]?.gone).toBe(true);
    expect(await endOf(id)).toMatchObject({ reason: "revoked" });
  });

  test("ends with its client, and says so; an approver has watched it by the command", async () => {
    const { id, client } = await approvedTerminal();
    const watching = world.instance.cli("watch", id, "--as", "alice");
    client.type("echo watched-by-alice\r");
    await expect.poll(() => client.stdout).toMatch(/^watched-by-alice\r$/m);
    client.socket.terminate();
    expect(await endOf(id)).toMatchObject({ reason: "left" });
    await expect.poll(() => sessions.begun[0]?.gone).toBe(true);
    const { stdout, stderr } = await watching;
    expect(stdout).toContain("watched-by-alice\r\n");
    expect(stderr).toContain("The session ended (left)");
  });
});

describe("a client's command", () => {
  test("streams its input, and hears the end of it (v5); v4 has no end, and works", async () => {
    const client = await open(["cat"], "&stdin=true&stdout=true");
    client.type("one\n");
    await expect.poll(() => client.stdout).toBe("one\n");
    client.type("two\n");
    client.endInput();
    await client.closed();
    expect([client.stdout, client.status?.status]).toEqual(["one\ntwo\n", "Success"]);
    const old = await open(["echo", "hi"], "&stdout=true", ["v4.channel.k8s.io"]);
    await old.closed();
    expect([old.stdout, sessions.begun[1]?.protocol]).toEqual(["hi\n", "v4.channel.k8s.io"]);
  });

  test("is cut at exactly the limit, and the client hears why", async () => {
    const client = await open(["yes"], "&stdout=true");
    await client.closed();
    expect(client.stdout.length).toBe(100_000);
    expect(client.status?.message).toMatch(/limit of 100000 bytes/);
    await expect.poll(() => sessions.begun[0]?.gone).toBe(true);
  });

  test("that sends what it has not asked to send is cut", async () => {
    const late = await open(["cat"], "&stdin=true&stdout=true");
    late.resize(10, 10);
    await late.closed();
    expect(late.status?.message).toMatch(/the size of a terminal, for which it has not asked/);
  });

  test("by a subprotocol that nobody speaks, or with a credential in one, is refused", async () => {
    await expect(open(["echo", "hi"], "", ["base64.channel.k8s.io"])).rejects.toThrow(/^400 .*None of the offered/);
    const stolen = "base64url.bearer.authorization.k8s.io.c2VjcmV0";
    await expect(open(["echo", "hi"], "", ["v5.channel.k8s.io", stolen])).rejects.toThrow(/^400 .*not taken/);
    await expect(open(["echo", "hi"], "", ["SPDY+portforward.k8s.io", "v5.channel.k8s.io"])).resolves.toBeDefined();
    expect(sessions.begun).toHaveLength(1);
  });

  test("k8s-argv: another pod has the name when somebody agrees: nothing is sent", async () => {
    const opening = open(["touch", "/tmp/x"]).catch((error: Error) => error.message);
    const id = await waitingId(alice, "command=touch");
    world.api.store.seed({
      kind: "Pod",
      metadata: { name: "web-0", namespace: "shop" },
      spec: { containers: [{ name: "app" }] },
    });
    await vote(alice, id, "approve");
    expect(await opening).toMatch(/is not the one that was asked for/);
    expect((await waitForState(alice, id, RequestState.FAILED)).outcome?.error?.code).toBe("digest_mismatch");
    expect(sessions.begun).toEqual([]);
  });

  test("whose client leaves while it is held is cancelled", async () => {
    const gone = new AbortController();
    const url = `${world.server}${pod}/exec?command=touch&command=left`;
    const opening = SessionClient.open(url, { token, ca: world.ca, signal: gone.signal }).catch(() => "left");
    const id = await waitingId(alice, "command=left");
    gone.abort();
    expect(await opening).toBe("left");
    await waitForState(alice, id, RequestState.CANCELLED);
  });

  test("k8s-retry: without an upgrade of its own it is refused, whatever policy says of it", async () => {
    const trusting = new Agent({ connect: { ca: world.ca } });
    for (const method of ["GET", "POST"]) {
      const response = await fetch(`${world.server}${pod}/exec?command=echo&command=hi&stdout=true`, {
        ...{ method, dispatcher: trusting, headers: { authorization: `Bearer ${token}` } },
      });
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ message: expect.stringMatching(/take a WebSocket/) }),
      ]);
    }
    await trusting.destroy();
    expect(sessions.begun).toEqual([]);
  });

  test("a flood of them is stopped before the cluster is asked for the pod", async () => {
    const flooder = (await world.instance.cli("token", "--subject", "flooder")).stdout.trim();
    const before = world.api.asked.length;
    const said: string[] = [];
    const isFlood = (words: string) => /^429 .*may ask 60 times in a minute/.test(words);
    // On a slow machine some come back while they are asked for.
    for (let count = 0; count < 400 && said.filter(isFlood).length < 10; count++)
      said.push(
        await open(["touch", `/tmp/${count}`], "&stdin=true", undefined, flooder).then(String, (error: Error) => error.message),
      );
    const stopped = said.filter(isFlood);
    expect(stopped).toHaveLength(10);
    expect(said.filter((words) => /^400 .*input: unseen/.test(words))).toHaveLength(said.length - stopped.length);
    // Whether the pod is still the same is asked of the cluster, once for each that is looked at.
    expect(world.api.asked.slice(before).map(({ url }) => url)).toEqual(Array(said.length - stopped.length).fill(pod));
    expect(sessions.begun).toEqual([]);
  });

  test("unknown, when the target closes in the middle", async () => {
    sessions.intercept = ({ socket }, channels) => {
      void channels.send("stdout", Buffer.from("half")).then(() => socket.terminate());
      return true;
    };
    const client = await open(["echo", "hi"], "&stdout=true&stdin=true");
    await client.closed();
    expect([client.stdout, client.status?.message]).toEqual(["half", expect.stringMatching(/may still be running/)]);
  });
});
