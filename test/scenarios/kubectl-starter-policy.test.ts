import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type ApproverConnection, approverClient, getRequest, vote } from "../harness/approver.ts";
import { installedKubectls, kubectl } from "../harness/kubectl.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId } from "../harness/waiting.ts";

const newest = (await installedKubectls()).at(-1);

/** The policy as it stands there; only its people are those of the test's instance. */
const policy = readFileSync(new URL("../../examples/policies/kubernetes.yaml", import.meta.url), "utf8").replaceAll(
  "group:approvers",
  "group:dba-oncall",
);

let world: KubernetesWorld;
let alice: ApproverConnection;

beforeAll(async () => {
  if (newest === undefined) return;
  world = await kubernetesWorld({ policy, roles: ["viewer", "editor"] });
  alice = await approverClient(world.instance, "alice");
  const file = join(world.instance.folder, "kubeconfig.yaml");
  await world.instance.cli("kubeconfig", "prod", "--out", file);
  const config = parse(readFileSync(file, "utf8"));
  const token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
  writeFileSync(file, stringify({ ...config, users: [{ name: config.users[0].name, user: { token } }] }));
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

function run(command: string) {
  if (newest === undefined) throw new Error("no kubectl");
  const { folder } = world.instance;
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  return kubectl(newest, { kubeconfig: join(folder, "kubeconfig.yaml"), home, env: {} }, ...command.split(" ")).ended;
}

/** What reached the cluster since, as it is asked for. */
function asked(since: number): readonly string[] {
  return world.api.asked.slice(since).map(({ method, path }) => `${method} ${path}`);
}

describe.skipIf(newest === undefined)("kubectl under the starter policy", () => {
  test("finds its way: discovery, OpenAPI and objects are allowed at once", async () => {
    const since = world.api.asked.length;
    const [resources, explained, pods] = await Promise.all([
      run("api-resources"),
      run("get --raw /clusters/prod/openapi/v3"),
      run("get pods -n shop -o name"),
    ]);
    expect([resources.code, resources.stdout]).toEqual([0, expect.stringMatching(/^pods +po /m)]);
    expect([explained.code, JSON.parse(explained.stdout)]).toEqual([0, expect.objectContaining({ paths: expect.anything() })]);
    expect(pods).toMatchObject({ code: 0, stdout: "pod/web-0\n", stderr: "" });
    expect(asked(since)).toEqual(expect.arrayContaining(["GET /openapi/v3", "GET /api/v1/namespaces/shop/pods"]));
  });

  test("a delete waits for a person and runs once; secrets are denied, whoever would agree", async () => {
    const path = "/api/v1/namespaces/shop/pods/web-0";
    const since = world.api.asked.length;
    const deleting = run("delete pod web-0 -n shop --wait=false");
    const id = await waitingId(alice, "web-0");
    const { summary } = await getRequest(alice, id);
    expect([summary?.state, summary?.rules]).toEqual([RequestState.PENDING, ["changes"]]);
    const deletions = () =>
      world.api.asked.slice(since).filter(({ method, url }) => method === "DELETE" && !url.includes("dryRun"));
    expect(deletions()).toEqual([]);
    await vote(alice, id, "approve");
    const { code, stdout } = await deleting;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^pod "web-0" deleted/)]);
    expect(deletions().map((one) => one.path)).toEqual([path]);
    const secrets = await run("get secrets -n shop");
    expect([secrets.code, secrets.stderr]).toEqual([
      1,
      expect.stringMatching(/\(Forbidden\): .*rule secrets: Secrets are neither read nor changed/),
    ]);
    expect(asked(since).filter((one) => one.includes("secrets"))).toEqual([]);
  });
});
