import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Exec, KubeConfig, PortForward, type V1Status } from "@kubernetes/client-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type ApproverConnection, approverClient, getRequest, vote } from "../harness/approver.ts";
import { installedKubectls, type Kubectl, kubectl } from "../harness/kubectl.ts";
import { PodSessions } from "../harness/kubernetes/stream/pod-sessions.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId, waitingIds } from "../harness/waiting.ts";

const all = await installedKubectls();
const newest = all.at(-1);
/** The oldest and the newest: those between do as they do. */
const ends = all.flatMap((one, index) => (index === 0 || one === newest ? [[one.version, one] as const] : []));

const policy = `version: 1
rules:
  - id: look-around
    when: kubernetes.readOnly && kubernetes.subresource == ""
    effect: allow
    role: reader
  - id: small-commands
    when: kubernetes.subresource == "exec" && kubernetes.argv in [["echo", "hi"], ["sh", "-c", "echo bad >&2; exit 3"]]
    effect: allow
    opaque: true
    role: reader
  - id: copies
    when: kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] == "tar" && !kubernetes.tty
    effect: allow
    opaque: true
    role: writer
  - id: main-process-and-ports
    when: kubernetes.subresource in ["attach", "portforward"] && !kubernetes.tty
    effect: allow
    opaque: true
    role: writer
  - id: by-hand
    when: kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] == "touch"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: never
    when: kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] == "rm"
    effect: deny
    message: Ask the platform team.
`;

let world: KubernetesWorld;
let alice: ApproverConnection;
let sessions: PodSessions;
let folder: string;

beforeAll(async () => {
  if (newest === undefined) return;
  world = await kubernetesWorld({ policy });
  const { instance, server, ca } = world;
  alice = await approverClient(instance, "alice");
  const token = (await instance.cli("token", "--subject", "robot")).stdout.trim();
  folder = join(instance.folder, "kubectl");
  mkdirSync(folder);
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u", namespace: "shop" } }],
  };
  writeFileSync(join(folder, "config"), stringify(config));
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  sessions = new PodSessions();
  if (world !== undefined) world.api.takeUpgrade = sessions.take;
});

function start(args: readonly string[], { program = newest, input }: { program?: Kubectl | undefined; input?: string } = {}) {
  if (program === undefined) throw new Error("no kubectl");
  // Versions before 1.31 speak WebSocket when they are told to.
  const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true", KUBECTL_PORT_FORWARD_WEBSOCKETS: "true" };
  const options = { kubeconfig: join(folder, "config"), home: folder, env, stdin: "pipe" } as const;
  const running = kubectl(program, options, ...args);
  if (input !== undefined) running.child.stdin?.end(input);
  return running;
}

describe.skipIf(newest === undefined)("kubectl's sessions in pods, through the sidecar", () => {
  test.each(all.map((one) => [one.version, one] as const))("%s: exec, and its exit code", async (_, program) => {
    const ran = await start(["exec", "web-0", "--", "echo", "hi"], { program }).ended;
    expect(ran).toMatchObject({ code: 0, stdout: "hi\n" });
    expect(sessions.begun[0]).toMatchObject({ protocol: "v5.channel.k8s.io", container: "app", user: "admin" });
    const bad = await start(["exec", "web-0", "--", "sh", "-c", "echo bad >&2; exit 3"], { program }).ended;
    expect([bad.code, bad.stderr]).toEqual([3, expect.stringMatching(/^bad\n/)]);
  });

  test.each(ends)("%s: cp both ways", async (version, program) => {
    const [here, there, back] = ["here", "there", "back"].map((name) => join(folder, `${name}-${version}`)) as [
      string,
      string,
      string,
    ];
    writeFileSync(here, `copied by ${version}`);
    expect(await start(["cp", here, `web-0:${there}`], { program }).ended).toMatchObject({ code: 0 });
    expect(readFileSync(there, "utf8")).toBe(`copied by ${version}`);
    expect(await start(["cp", `web-0:${there}`, back], { program }).ended).toMatchObject({ code: 0 });
    expect(readFileSync(back, "utf8")).toBe(`copied by ${version}`);
  });

  test.each(all.filter(({ minor }) => minor > 29).map((one) => [one.version, one] as const))(
    "%s: port-forward",
    async (_, program) => {
      await using upstream = createServer((request, response) => response.end(`pod says ${request.url}`)).listen(0, "127.0.0.1");
      await once(upstream, "listening");
      const { port } = upstream.address() as AddressInfo;
      const running = start(["port-forward", "web-0", `:${port}`], { program });
      let said = "";
      running.child.stdout?.on("data", (data: Buffer) => (said += data));
      await expect.poll(() => said, { timeout: 10_000 }).toMatch(/127\.0\.0\.1:(\d+)/);
      const [, local] = /127\.0\.0\.1:(\d+)/.exec(said) ?? [];
      for (const path of ["/a", "/b"])
        expect(await (await fetch(`http://127.0.0.1:${local}${path}`)).text()).toBe(`pod says ${path}`);
      expect(sessions.begun[0]).toMatchObject({ protocol: "SPDY/3.1+portforward.k8s.io", ports: [port, port] });
      running.child.kill("SIGKILL");
      await expect.poll(() => sessions.begun[0]?.gone).toBe(true);
    },
  );

  test("attach: what is typed, and what is said", async () => {
    const done = await start(["attach", "-i", "web-0"], { input: "quit\n" }).ended;
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining("quit\n")]);
  });

  test("k8s-retry: a held exec waits, and runs once when somebody agrees", async () => {
    const file = join(folder, "touched");
    const running = start(["exec", "web-0", "--", "touch", file]);
    const id = await waitingId(alice, "command=touch");
    expect(sessions.begun).toEqual([]);
    const { operation } = await getRequest(alice, id);
    expect(operation?.operation).toMatchObject({ value: { uid: expect.stringMatching(/^[\w-]{36}$/), streamed: false } });
    await vote(alice, id, "approve");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(sessions.begun).toHaveLength(1);
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test.each(ends)("k8s-retry: %s says why an exec was denied, by policy", async (_, program) => {
    const denied = await start(["exec", "web-0", "--", "rm", "-rf", "/data"], { program }).ended;
    expect(denied).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Forbidden.*rule never: Ask the platform team\. \(request req_/),
    });
    expect(sessions.begun).toEqual([]);
  });

  test("k8s-retry: and by a person, who was asked once", async () => {
    const running = start(["exec", "web-0", "--", "touch", "/tmp/denied"]);
    const id = await waitingId(alice, "denied");
    await vote(alice, id, "deny", undefined, "not today");
    expect(await running.ended).toMatchObject({ code: 1, stderr: expect.stringContaining(id) });
    expect(await waitingIds(alice)).toEqual([]);
    expect(sessions.begun).toEqual([]);
  });

  test.skipIf(all[0]?.minor !== 29)("k8s-retry: a version that has only SPDY is told what to use", async () => {
    const old = await start(["port-forward", "web-0", ":80"], { program: all[0] }).ended;
    expect(old).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/SPDY is not understood\. Use a client that speaks WebSocket/),
    });
    expect(sessions.begun).toEqual([]);
  });

  test("the official client library: exec with its Status, and a port", async () => {
    const config = new KubeConfig();
    config.loadFromFile(join(folder, "config"));
    const [stdout, received] = [new PassThrough(), new PassThrough()];
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config).exec("shop", "web-0", "app", ["echo", "hi"], stdout, null, null, false, resolve).catch(reject);
    });
    expect([status.status, String(stdout.read())]).toEqual(["Success", "hi\n"]);
    await using upstream = createServer((_, response) => response.end("pod says hi")).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    const sent = new PassThrough();
    await new PortForward(config).portForward("shop", "web-0", [port], received, null, sent);
    sent.write("GET / HTTP/1.0\r\n\r\n");
    let said = "";
    received.on("data", (data: Buffer) => (said += data));
    await expect.poll(() => said, { timeout: 5000 }).toMatch(/pod says hi$/);
    expect(sessions.begun.map(({ protocol }) => protocol)).toEqual(["v5.channel.k8s.io", "v4.channel.k8s.io"]);
  });
});
