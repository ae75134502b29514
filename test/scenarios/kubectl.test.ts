import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import { type Ended, installedKubectls, type Kubectl, kubectl, type Running } from "../harness/kubectl.ts";
import { adminToken } from "../harness/kubernetes/kubernetes-api.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { requestIds, waitingId } from "../harness/waiting.ts";

const all = await installedKubectls();
const newest = all.at(-1);

let world: KubernetesWorld;
let alice: ApproverConnection;
let token: string;

/** Kubeconfigs: as `countersign kubeconfig` writes it; with the token in it, which saves a process each time; past the sidecar. */
type Way = "plugin" | "token" | "direct";

beforeAll(async () => {
  world = await kubernetesWorld();
  const { instance, api } = world;
  alice = await approverClient(instance, "alice");
  token = (await instance.cli("token", "--subject", "robot")).stdout.trim();
  const made = await instance.cli("kubeconfig", "prod", "--out", file("plugin"), "--json");
  expect(JSON.parse(made.stdout)).toEqual({ file: file("plugin"), context: "countersign-prod" });
  const config = parse(readFileSync(file("plugin"), "utf8"));
  const { name } = config.users[0];
  writeFileSync(file("token"), stringify({ ...config, users: [{ name, user: { token } }] }));
  const cluster = { server: api.url, "certificate-authority-data": Buffer.from(api.authority.ca).toString("base64") };
  const direct = { clusters: [{ name, cluster }], users: [{ name, user: { token: adminToken } }] };
  writeFileSync(file("direct"), stringify({ ...config, ...direct }));
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

function file(way: Way): string {
  return join(world.instance.folder, `${way}.yaml`);
}

function start(
  way: Way,
  args: string,
  { program = newest, env = {} }: { program?: Kubectl; env?: Record<string, string> } = {},
): Running {
  if (program === undefined) throw new Error("no kubectl");
  const home = join(world.instance.folder, `home-${way}`);
  return kubectl(program, { kubeconfig: file(way), home, env: { COUNTERSIGN_TOKEN: token, ...env } }, ...args.split(" "));
}

function run(...command: Parameters<typeof start>): Promise<Ended> {
  return start(...command).ended;
}

/** What was deleted, in order; dry runs are what approvers are shown. */
function deleted(): readonly string[] {
  return world.api.asked.flatMap(({ method, url }) => (method === "DELETE" && !url.includes("dryRun") ? [url] : []));
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: api, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec: { containers: [{ name: app, image: "api:1" }] }
`;

describe.skipIf(newest === undefined)("kubectl through the sidecar", () => {
  test.each(all.map((one, index) => [one.version, one, index] as const))(
    "%s reads as it does directly",
    async (_, program, index) => {
      const command = "get pods -n shop --show-labels";
      // The plugin is a process of its own: the oldest and the newest call it.
      const way = index === 0 || program === newest ? "plugin" : "token";
      const [through, direct] = await Promise.all([run(way, command, { program }), run("direct", command, { program })]);
      expect(direct).toMatchObject({ code: 0, stdout: expect.stringContaining("web-0") });
      expect({ ...through, stdout: ages(through.stdout) }).toEqual({ ...direct, stdout: ages(direct.stdout) });
    },
  );

  test.each([
    "get pod web-0 -n shop -o yaml",
    "get ns -o name",
    "api-resources",
    "version",
    "describe pod web-0 -n shop",
    "logs web-0 -n shop",
  ])("%s as directly", async (command) => {
    world.api.logs.write("shop", "web-0", "app", "hello");
    const [through, direct] = await Promise.all([run("token", command), run("direct", command)]);
    expect([direct.code, direct.stderr]).toEqual([0, ""]);
    expect(through).toEqual(direct);
  });

  test("apply, scale, rollout restart and delete do what they say", async () => {
    const manifest = join(world.instance.folder, "api.yaml");
    writeFileSync(manifest, deployment);
    const said: string[] = [];
    for (const command of [
      `apply -f ${manifest}`,
      `apply -f ${manifest}`,
      "scale deployment api -n shop --replicas=3",
      "rollout restart deployment api -n shop",
      `apply --server-side --force-conflicts -f ${manifest}`,
      "delete deployment api -n shop --wait=false",
    ]) {
      const { code, stdout, stderr } = await run("token", command);
      expect([command, code, stderr]).toEqual([command, 0, ""]);
      said.push(stdout.trim());
    }
    expect(said).toEqual([
      "deployment.apps/api created",
      "deployment.apps/api unchanged",
      "deployment.apps/api scaled",
      "deployment.apps/api restarted",
      "deployment.apps/api serverside-applied",
      expect.stringMatching(/^deployment\.apps "api" deleted/),
    ]);
  });

  test("logs -f prints lines as they are written", async () => {
    const { child, ended } = start("token", "logs -f web-0 -n shop");
    let text = "";
    child.stdout?.on("data", (data: Buffer) => (text += data));
    await expect.poll(() => text, { timeout: 10_000 }).toContain("hello");
    world.api.logs.write("shop", "web-0", "app", "and again");
    await expect.poll(() => text).toContain("and again");
    child.kill();
    await ended;
  });

  test("a held delete of a namespace waits, runs once after approval, and says which request it was", async () => {
    const { ended } = start("token", "delete namespace old");
    const id = await waitingId(alice, "old");
    expect(deleted()).not.toContain("/api/v1/namespaces/old");
    await vote(alice, id, "approve");
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([0, 'namespace "old" deleted\n']);
    expect(stderr).toMatch(new RegExp(`^Warning: .*${id}\n$`));
    expect(deleted().filter((url) => url === "/api/v1/namespaces/old")).toHaveLength(1);
  });

  test("a denied one says why: the approver's words, and the request", async () => {
    const { ended } = start("token", "delete namespace older");
    const id = await waitingId(alice, "older");
    await vote(alice, id, "deny", undefined, "ask again on Monday");
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^Error from server \\(Forbidden\\): .*ask again on Monday.*${id}`));
    expect(deleted()).not.toContain("/api/v1/namespaces/older");
  });

  test("what a rule denies names the rule", async () => {
    const { code, stderr } = await run("token", "delete --raw /clusters/prod/api/v1/namespaces/shop/configmaps");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\(Forbidden\): .*Ask the platform team.*rule never-many-at-once/)]);
  });

  test("also where kubectl only looks for what there is", async () => {
    const stranger = (await world.instance.cli("token", "--subject", "stranger")).stdout.trim();
    const { stderr } = await run("token", `version --token=${stranger}`);
    expect(stderr).toMatch(/^Error from server \(Forbidden\): .*Strangers have no business here.*rule not-for-strangers/);
  });

  test("k8s-wide: nobody is somebody else: what only reads is done as the role, and says so; a change is not", async () => {
    const before = world.api.asked.length;
    const as = "-n shop --as=system:admin --as-group=system:masters";
    const read = await run("token", `get pods ${as}`);
    expect(read).toMatchObject({ code: 0, stdout: expect.stringContaining("web-0") });
    expect(read.stderr).toMatch(
      /^(?:Warning: Countersign: impersonate-(?:user, impersonate-group|group, impersonate-user) removed; .*\n)+$/,
    );
    const asked = world.api.asked.slice(before);
    expect(asked.map(({ user, impersonatedBy }) => [user?.username, impersonatedBy])).toEqual(
      asked.map(() => ["admin", undefined]),
    );
    const { code, stderr } = await run("token", `delete configmap none ${as}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining("(Forbidden)")]);
    expect(deleted()).not.toContain("/api/v1/namespaces/shop/configmaps/none");
  });

  test("k8s-retry: SPDY is refused in words that say what helps; nothing waits, and nothing reaches the cluster", async () => {
    const program = all.find(({ minor }) => minor < 31);
    if (program === undefined) return;
    const { code, stderr } = await run("token", "exec web-0 -n shop -- ls", { program });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SPDY is not understood.*kubectl 1\.31/)]);
    expect(world.api.asked.filter(({ url }) => url.includes("/exec"))).toEqual([]);
    expect(await requestIds(alice, "/exec")).toEqual([]);
  });

  test("k8s-retry: an exec that a person denies says why, although kubectl tries again over SPDY; it is one request", async () => {
    const { ended } = start("token", "exec web-0 -n shop -- touch /tmp/x");
    const id = await waitingId(alice, "/exec");
    await vote(alice, id, "deny", undefined, "not in production");
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`not in production.*${id}`))]);
    expect(await requestIds(alice, "/exec")).toEqual([id]);
    expect(world.api.asked.filter(({ url }) => url.includes("/exec"))).toEqual([]);
  });

  test("without a token kubectl says where it comes from", async () => {
    const { code, stderr } = await run("plugin", "get pods -n shop", { env: { COUNTERSIGN_TOKEN: "" } });
    expect(code).toBe(1);
    expect(stderr).toContain("COUNTERSIGN_TOKEN is not set");
  });
});

describe("the official client library for JavaScript", () => {
  let config: KubeConfig;
  let core: CoreV1Api;
  beforeAll(() => {
    config = new KubeConfig();
    config.loadFromFile(file("token"));
    core = config.makeApiClient(CoreV1Api);
  });

  test("reads, writes, and hears in a Status why not", async () => {
    const { items } = await core.listNamespacedPod({ namespace: "shop", labelSelector: "app=web" });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(["web-0"]);
    const body = { metadata: { name: "made" }, data: { a: "1" } };
    expect((await core.createNamespacedConfigMap({ namespace: "shop", body })).data).toEqual({ a: "1" });
    const refused = core.deleteCollectionNamespacedPod({ namespace: "shop" });
    await expect(refused).rejects.toMatchObject({ code: 403, body: expect.stringContaining("Ask the platform team.") });
  });

  test("a held request resolves once it is approved", async () => {
    const deleting = core.deleteNamespace({ name: "kept" }).catch((error: unknown) => error);
    await vote(alice, await waitingId(alice, "kept"), "approve");
    expect(await deleting).not.toBeInstanceOf(Error);
    expect(deleted().filter((url) => url === "/api/v1/namespaces/kept")).toHaveLength(1);
  });

  test("watches", async () => {
    const seen: string[] = [];
    const hear = (phase: string, { metadata }: { metadata: { name: string } }) => seen.push(`${phase} ${metadata.name}`);
    const ended = Promise.withResolvers<void>();
    const watching = await new Watch(config).watch("/api/v1/namespaces/shop/configmaps", {}, hear, () => ended.resolve());
    world.api.store.seed({ kind: "ConfigMap", metadata: { name: "watched", namespace: "shop" } });
    await expect.poll(() => seen).toContain("ADDED watched");
    watching.abort();
    await ended.promise;
  });
});

/** Two commands may be a second apart. */
function ages(text: string): string {
  return text.replace(/\b\d+[smh]\b/g, "AGE").replace(/ +/g, " ");
}
