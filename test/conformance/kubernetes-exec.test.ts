import { classify, type KubernetesRequest } from "@countersign/policy";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Connector, ResultChunk } from "../../packages/sidecar/src/protocols/connector.ts";
import type { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import { KubernetesConnectors, kubernetesRequest, type RunOptions } from "../harness/kubernetes/kubernetes-connectors.ts";
import { kindOf } from "../harness/kubernetes/store.ts";
import type { PodSession } from "../harness/kubernetes/stream/pod-session.ts";
import { PodSessions } from "../harness/kubernetes/stream/pod-sessions.ts";

let world: KubernetesConnectors;
let api: KubernetesApi;
let sessions: PodSessions;
let connector: Connector;

const containers = [{ name: "app" }, { name: "side" }];
const web = (more: object = {}) => ({
  ...{ kind: "Pod", metadata: { name: "web-0", namespace: "shop", ...more }, spec: { containers } },
});

beforeAll(async () => {
  world = await KubernetesConnectors.start();
  ({ api } = world);
  api.store.seed(web(), { kind: "Pod", metadata: { name: "one", namespace: "shop" }, spec: { containers: [{ name: "only" }] } });
  connector = world.connector();
});
afterAll(() => world?.[Symbol.asyncDispose]());
afterEach(() => {
  api.intercept = undefined;
});

/** A fresh account of sessions for each test. */
function begin(): PodSessions {
  sessions = new PodSessions();
  api.takeUpgrade = sessions.take;
  return sessions;
}

function exec(
  argv: readonly string[],
  { query = "", pod = "web-0", body }: { query?: string; pod?: string; body?: string } = {},
) {
  const words = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  const path = `/api/v1/namespaces/shop/pods/${pod}/exec?${words}&stdout=true&stderr=true${query}`;
  return kubernetesRequest(path, body === undefined ? {} : { body: { text: body } });
}

/** As the guard does when it is asked for: with what it lacks. */
async function pinned(operation: KubernetesRequest): Promise<KubernetesRequest> {
  const { pinning } = connector;
  if (pinning?.lacks(operation, classify(operation, { searchPath: [] })) === undefined) return operation;
  const complete = await pinning.complete(operation, "static", AbortSignal.timeout(5000));
  if (complete.kind !== "kubernetes.request") throw new Error("another kind");
  expect(pinning.lacks(complete, classify(complete, { searchPath: [] }))).toBe(undefined);
  return complete;
}

async function run(operation: KubernetesRequest, options: RunOptions = {}) {
  const written = { stdout: "", stderr: "" };
  const onChunk = (chunk: ResultChunk) => {
    if (chunk.type === "output") written[chunk.stream] += Buffer.from(chunk.data).toString();
    return options.onChunk?.(chunk);
  };
  const { outcome } = await world.run(await pinned(operation), { by: connector, ...options, onChunk });
  return { outcome, ...written, session: sessions.begun.at(-1) };
}

/** Waits for a session, and for something about it. */
async function until(holds: (session: PodSession) => boolean): Promise<PodSession> {
  for (let tries = 0; tries < 500; tries++) {
    const last = sessions.begun.at(-1);
    if (last !== undefined && holds(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not come to that");
}

describe("a command", () => {
  test("gives its output and its exit code, and gets its arguments exactly", async () => {
    begin();
    const words = ["a b", "", "ü", "'\"$x", "a&command=rm", "%41", "+"];
    const { outcome, stdout, stderr, session } = await run(
      exec(["sh", "-c", 'printf "%s|" "$@"; echo bad >&2; exit 7', "sh", ...words]),
    );
    expect(outcome).toMatchObject({ state: "succeeded", exit: { code: 7 }, bytes: stdout.length + 1 + stderr.length });
    expect(stdout).toBe(words.map((word) => `${word}|`).join(""));
    expect(stderr).toBe("bad\n");
    expect(session).toMatchObject({
      container: "app",
      tty: false,
      takesInput: false,
      user: "jane",
      protocol: "v5.channel.k8s.io",
    });
    expect((await run(exec(["true"]))).outcome).toMatchObject({ state: "succeeded", exit: { code: 0 } });
  });

  test("reads what it was given, and then the end of it (v5)", async () => {
    begin();
    const body = "x".repeat(100_000);
    const { stdout, outcome, session } = await run(exec(["cat"], { query: "&stdin=true", body }));
    expect([stdout === body, outcome.exit, session?.inputEnded]).toEqual([true, { code: 0 }, true]);
    const empty = await run(exec(["cat"], { query: "&stdin=true", body: "" }));
    expect([empty.stdout, empty.outcome.exit]).toEqual(["", { code: 0 }]);
  });

  test("runs on a server of v4, but not with input, whose end that cannot tell", async () => {
    begin().speaks = ["v4.channel.k8s.io"];
    expect(await run(exec(["echo", "hi"]))).toMatchObject({ stdout: "hi\n", outcome: { exit: { code: 0 } } });
    expect(sessions.begun).toHaveLength(1);
    const { outcome } = await run(exec(["cat"], { query: "&stdin=true", body: "x" }));
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "400" } });
    expect(sessions.begun).toHaveLength(1);
  });

  test("that cannot be started has failed, in the target's words", async () => {
    begin();
    const { outcome } = await run(exec(["no-such-program"]));
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_error", targetCode: "InternalError" } });
    expect(outcome.failure?.message).toMatch(/executable file not found/);
  });

  test("a refusal's words and a Status never tell the credential", async () => {
    begin().intercept = (session, channels) => {
      void channels.end({
        status: "Failure",
        reason: "Nope",
        message: `no, ${api.last.headers.authorization}`,
        session: session.pod,
      });
      return true;
    };
    const { outcome } = await run(exec(["ls"]));
    expect(outcome.failure?.message).toMatch(/no, Bearer \*+$/);
  });
});

describe("k8s-argv: the pod and the container are bound", () => {
  test("the container that is meant is named: the annotation's, else the first", async () => {
    begin();
    const asked = await pinned(exec(["ls"]));
    expect(asked).toMatchObject({ uid: expect.stringMatching(/^[\w-]{36}$/), path: expect.stringMatching(/&container=app$/) });
    api.store.seed({ ...web({ annotations: { "kubectl.kubernetes.io/default-container": "side" }, name: "noted" }) });
    expect((await pinned(exec(["ls"], { pod: "noted" }))).path).toMatch(/&container=side$/);
    api.store.seed({ ...web({ annotations: { "kubectl.kubernetes.io/default-container": "gone" }, name: "stale" }) });
    expect((await pinned(exec(["ls"], { pod: "stale" }))).path).toMatch(/&container=app$/);
    await expect(pinned(exec(["ls"], { query: "&container=other" }))).rejects.toMatchObject({ code: "invalid_operation" });
    await expect(pinned(exec(["ls"], { pod: "none" }))).rejects.toMatchObject({ code: "target_error", targetCode: "404" });
  });

  test("so is the pod of an attach, with its container, and of a port-forward", async () => {
    const attach = await pinned(kubernetesRequest("/api/v1/namespaces/shop/pods/web-0/attach?stdout=true"));
    expect(attach).toMatchObject({ uid: expect.any(String), path: expect.stringMatching(/attach\?stdout=true&container=app$/) });
    const forward = kubernetesRequest("/api/v1/namespaces/shop/pods/web-0/portforward");
    expect(await pinned(forward)).toEqual({ ...forward, uid: attach.uid });
  });

  test("another pod of the same name is left alone", async () => {
    begin();
    const asked = await pinned(exec(["ls"]));
    const [replaced] = api.store.seed(web());
    expect(replaced?.metadata.uid).not.toBe(asked.uid);
    expect((await run(asked)).outcome).toMatchObject({ state: "failed", failure: { code: "digest_mismatch" } });
    await expect(run({ ...exec(["ls"]), uid: asked.uid ?? "" })).rejects.toMatchObject({ code: "digest_mismatch" });
    expect(sessions.begun).toEqual([]);
  });

  test("a default that has changed since does not move it to another container", async () => {
    begin();
    const asked = await pinned(exec(["echo", "x"]));
    const pod = api.store.get(kindOf("Pod"), "shop", "web-0");
    const annotations = { "kubectl.kubernetes.io/default-container": "side" };
    api.store.put(kindOf("Pod"), { ...pod, metadata: { ...pod.metadata, annotations } });
    const { session, outcome } = await run(asked);
    expect([session?.container, outcome.state]).toEqual(["app", "succeeded"]);
  });

  test("where the pod cannot be read, nothing runs", async () => {
    begin();
    const asked = await pinned(exec(["ls"]));
    for (const [status, code] of [
      [403, "target_credentials"],
      [500, "target_unavailable"],
      [200, "target_error"],
    ] as const) {
      api.intercept = (_, response) => {
        response.writeHead(status, { "content-type": "application/json" }).end('{"metadata":{"name":"web-0"}}');
        return true;
      };
      expect((await run(asked)).outcome).toMatchObject({ state: "failed", failure: { code } });
      await expect(pinned(exec(["ls"]))).rejects.toMatchObject({ code });
    }
    expect(sessions.begun).toEqual([]);
  });
});

describe("refused before anybody is asked", () => {
  test.each<[string, KubernetesRequest]>([
    ["POST, which is another verb than what is sent", { ...exec(["ls"]), method: "POST" }],
    ["input without stdin=true", exec(["cat"], { body: "x" })],
    ["stdin=true without input", exec(["cat"], { query: "&stdin=true" })],
    ["headers", { ...exec(["ls"]), headers: [["Upgrade", "websocket"]] }],
    ["a port", kubernetesRequest("/api/v1/namespaces/shop/pods/web-0/portforward?ports=80")],
    ["a client's own connection", { ...exec(["ls"]), connection: { id: "x" } }],
    ["an empty container", { ...exec(["ls"], { query: "&container=" }) }],
  ])("%s", async (_, operation) => {
    begin();
    await expect((async () => run(operation))()).rejects.toMatchObject({ code: "invalid_operation" });
    expect(sessions.begun).toEqual([]);
  });
});

describe("ends", () => {
  test("at exactly the limit of bytes; what it does then is not known", async () => {
    begin();
    const { outcome, stdout } = await run(exec(["sh", "-c", "while :; do echo 0123456789; done"]), { limits: { bytes: 1000 } });
    expect([stdout.length, outcome.bytes, outcome.state]).toEqual([1000, 1000, "unknown"]);
    expect(outcome.failure?.message).toMatch(/limit of 1000 bytes .* may still be running/);
    await until((session) => session.gone);
  });

  test("at the limit of time, and when it is cancelled, in the same turn", async () => {
    begin();
    const late = await run(exec(["sleep", "20"]), { limits: { timeMs: 100 } });
    expect(late.outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome" } });
    const cancel = new AbortController();
    const running = run(exec(["sh", "-c", "echo up; sleep 20; echo late"]), {
      signal: cancel.signal,
      onChunk: () => cancel.abort(),
    });
    const { outcome, stdout } = await running;
    expect([stdout, outcome.state]).toEqual(["up\n", "unknown"]);
    await until((session) => session.gone);
  });

  test("unknown, when the target closes in the middle; failed, when it only reads", async () => {
    begin().intercept = ({ socket }, channels) => {
      void channels.send("stdout", Buffer.from("half")).then(() => socket.terminate());
      return true;
    };
    expect(await run(exec(["touch", "x"]))).toMatchObject({ stdout: "half", outcome: { state: "unknown" } });
    expect(await run(exec(["ls"]), { readOnly: true })).toMatchObject({
      outcome: { state: "failed", failure: { code: "target_lost" } },
    });
    sessions.intercept = ({ socket }) => {
      socket.close(1000);
      return true;
    };
    expect((await run(exec(["touch", "x"]))).outcome.state).toBe("unknown");
  });

  test.each([
    ["text", (send: (data: string | Buffer) => void) => send("\x01text")],
    ["an unknown stream", (send: (data: string | Buffer) => void) => send(Buffer.from("\x07x"))],
    ["input, which is the client's", (send: (data: string | Buffer) => void) => send(Buffer.from("\x00x"))],
    ["a message that is too large", (send: (data: string | Buffer) => void) => send(Buffer.alloc(2 * 1024 * 1024, 1))],
  ])("unknown, when the target sends %s", async (_, misbehave) => {
    begin().intercept = ({ socket }) => {
      misbehave((data) => socket.send(data));
      return true;
    };
    const { outcome, stdout } = await run(exec(["touch", "x"]));
    expect([outcome.state, stdout]).toEqual(["unknown", ""]);
    expect(outcome.failure?.message).toMatch(/which is no part of a session/);
  });

  test("only when everything was taken: a slow reader holds the target up", async () => {
    begin();
    let most = 0;
    let waiting = 0;
    const { outcome } = await run(exec(["head", "-c", "3000000", "/dev/zero"]), {
      onChunk: async (chunk) => {
        if (chunk.type !== "output") return;
        waiting += chunk.data.length;
        most = Math.max(most, waiting);
        await new Promise((resolve) => setImmediate(resolve));
        waiting -= chunk.data.length;
      },
    });
    expect(outcome).toMatchObject({ state: "succeeded", bytes: 3_000_000 });
    expect(most).toBeLessThan(64 * 1024);
  });
});
