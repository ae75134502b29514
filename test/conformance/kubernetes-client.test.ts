import { type Countersign, CountersignError } from "@countersign/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import type { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import { adminToken } from "../harness/kubernetes/kubernetes-api.ts";
import { kindOf } from "../harness/kubernetes/store.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId } from "../harness/waiting.ts";

let world: KubernetesWorld;
let api: KubernetesApi;
let cs: Countersign;
let alice: ApproverConnection;
let prod: ReturnType<Countersign["kubernetes"]>;

beforeAll(async () => {
  world = await kubernetesWorld();
  ({ api } = world);
  cs = world.instance.client();
  prod = cs.kubernetes("prod");
  alice = await approverClient(world.instance, "alice");
  const template = { spec: { containers: [{ name: "app", image: "nginx:1" }] } };
  api.store.seed({ kind: "Deployment", metadata: { name: "web", namespace: "shop" }, spec: { replicas: 2, template } });
});
beforeEach(() => {
  api.asked.length = 0;
});
afterAll(async () => {
  await cs?.close();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

const web = { resource: "deployments", namespace: "shop", name: "web" };

/** What was deleted; what approvers are shown is tried out before. */
const deletes = () => api.asked.filter(({ method, url }) => method === "DELETE" && !url.includes("dryRun"));

describe("cs.kubernetes()", () => {
  test("get and list: objects; what is not there is an error with the reason of the API server", async () => {
    expect(await prod.get(web)).toMatchObject({ kind: "Deployment", metadata: { name: "web" } });
    const first = await prod.list({ resource: "namespaces", limit: 2 });
    expect(first.items).toHaveLength(2);
    const next = await prod.list({ resource: "namespaces", continue: first.metadata.continue, limit: 100 });
    expect(next.items.length + first.items.length).toBe(api.store.list(kindOf("Namespace")).length);
    expect((await prod.list({ resource: "pods", namespace: "shop", labelSelector: "app in (web)" })).items).toHaveLength(1);
    await expect(prod.get({ ...web, name: "none" })).rejects.toMatchObject({
      ...{ code: "target_error", targetCode: "NotFound", message: expect.stringMatching(/"none" not found/) },
    });
  });

  test("apply, patch, scale, restart, delete: what each sends, and what the API server made of it", async () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "cm", namespace: "shop" }, data: { a: "1" } };
    expect(await prod.apply({ object })).toMatchObject({ data: { a: "1" }, metadata: { uid: expect.any(String) } });
    expect(await prod.apply({ object: { ...object, data: { a: "2" } }, dryRun: true })).toMatchObject({ data: { a: "2" } });
    const cm = { resource: "configmaps", namespace: "shop", name: "cm" };
    const { data, metadata } = await prod.get<{ data: unknown; metadata: { uid: string } }>(cm);
    expect(data).toEqual({ a: "1" });
    expect(await prod.patch({ ...cm, patch: { data: { a: null, b: "2" } } })).toMatchObject({ data: { b: "2" } });
    expect(await prod.scale({ ...web, replicas: 5 })).toMatchObject({ kind: "Scale", spec: { replicas: 5 } });
    const at = new Date("2026-01-02T03:04:05Z");
    const restarted = {
      spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": at.toISOString() } } } },
    };
    expect(await prod.rolloutRestart({ ...web, at })).toMatchObject(restarted);
    // Its other containers and fields stay: a strategic patch.
    expect(await prod.get(web)).toMatchObject({
      spec: { replicas: 5, template: { spec: { containers: [{ image: "nginx:1" }] } } },
    });
    await expect(prod.delete({ ...cm, uid: "another" })).rejects.toMatchObject({ code: "target_error", targetCode: "Conflict" });
    await prod.delete({ ...cm, uid: metadata.uid, dryRun: true });
    expect(await prod.delete({ ...cm, uid: metadata.uid })).toMatchObject({ status: "Success" });
    await expect(prod.get(cm)).rejects.toMatchObject({ targetCode: "NotFound" });
  });

  test("a watch and a log come as they happen, and leaving the loop ends them at the API server", async () => {
    const types: string[] = [];
    for await (const { type, object } of prod.watch({ resource: "pods", namespace: "shop" })) {
      types.push(`${type} ${object.metadata.name}`);
      if (types.length === 1) api.store.seed({ kind: "Pod", metadata: { name: "web-9", namespace: "shop" } });
      if (types.length === 2) break;
    }
    expect(types).toEqual(["ADDED web-0", "ADDED web-9"]);
    api.logs.write("shop", "web-0", "app", "öne");
    const lines: string[] = [];
    for await (const line of prod.logs({ namespace: "shop", pod: "web-0", follow: true })) {
      lines.push(line);
      if (lines.length === 1) api.logs.write("shop", "web-0", "app", "two");
      if (lines.length === 2) api.logs.end("shop", "web-0", "app");
    }
    expect(lines).toEqual(["öne", "two"]);
    await expect(prod.logs({ namespace: "shop", pod: "none" }).next()).rejects.toMatchObject({ targetCode: "NotFound" });
  });

  test("request(): the answer as it is; nothing of the agent's is a credential there, nothing of the target's here", async () => {
    const response = await prod.request({ path: "/api/v1/namespaces/shop/pods/none", headers: { accept: "application/json" } });
    expect([response.status, response.ok]).toEqual([404, false]);
    expect(api.last.headers.authorization).toBe(`Bearer ${adminToken}`);
    for (const name of ["Impersonate-User", "Authorization"])
      await expect(prod.request({ path: "/version", headers: { [name]: "admin" } })).rejects.toMatchObject({
        code: "invalid_operation",
      });
    expect(api.asked).toHaveLength(1);
    const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "made", namespace: "shop" } };
    const created = await prod.request({ method: "POST", path: "/api/v1/namespaces/shop/configmaps", body: made });
    expect([created.status, api.last.headers["content-type"], api.last.body.toString()]).toEqual([
      ...[201, "application/json", JSON.stringify(made)],
    ]);
    // A model that is asked for a name must not get another method by it.
    await prod.get({ ...web, ...{ method: "DELETE", body: "{}" } });
    expect(api.last).toMatchObject({ method: "GET", body: Buffer.alloc(0) });
  });

  test("a delete that waits for a person runs once after approval, and says why when it is denied", async () => {
    const gone = prod.delete({ resource: "namespaces", name: "old" });
    const id = await waitingId(alice, "/api/v1/namespaces/old");
    expect(deletes()).toEqual([]);
    await vote(alice, id, "approve");
    expect(await gone).toMatchObject({ status: "Success" });
    expect(deletes()).toHaveLength(1);
    const kept = prod.delete({ resource: "namespaces", name: "older", reason: "tidy up" });
    const said = expect(kept).rejects.toMatchObject({ code: "denied" });
    await vote(alice, await waitingId(alice, "/api/v1/namespaces/older"), "deny");
    await said;
    const error: unknown = await prod
      .request({ method: "DELETE", path: "/api/v1/namespaces/shop/pods" })
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({ code: "denied", message: expect.stringMatching(/Ask the platform team/) });
    expect(deletes()).toHaveLength(1);
  });

  test("a write that was approved is made by the service account, with a token that was got after the approval and for it alone", async () => {
    api.store.seed({ kind: "ServiceAccount", metadata: { name: "deployer", namespace: "shop" } });
    api.store.seed(...["one", "two"].map((name) => ({ kind: "Service", metadata: { name, namespace: "shop" } })));
    const tokens: unknown[] = [];
    for (const name of ["one", "two"]) {
      const gone = prod.delete({ resource: "services", namespace: "shop", name });
      const id = await waitingId(alice, `services/${name}`);
      const before = api.asked.length;
      await vote(alice, id, "approve");
      await gone;
      const after = api.asked.slice(before).filter(({ url }) => !url.includes("dryRun"));
      expect(after.some(({ path }) => path.endsWith("/serviceaccounts/deployer/token"))).toBe(true);
      const done = after.find(({ method }) => method === "DELETE");
      expect(done?.user?.username).toBe("system:serviceaccount:shop:deployer");
      tokens.push(done?.headers.authorization);
    }
    expect(new Set(tokens).size).toBe(2);
  });

  test("a write whose answer is lost is unknown; the sidecar looks at the object, and sends nothing again", async () => {
    api.intercept = ({ method }, response) => method === "PATCH" && response.destroy() !== undefined;
    const error: unknown = await prod.scale({ ...web, replicas: 7 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unknown_outcome", retryable: false, requestId: expect.stringMatching(/^req_/) });
    const sent = api.asked.filter(({ url }) => !url.includes("dryRun")).map(({ method, url }) => `${method} ${url}`);
    expect(sent.slice(0, 2)).toEqual([expect.stringMatching(/^GET .*web$/), expect.stringMatching(/^PATCH .*scale$/)]);
    // Asked for since, as long as it is as it was: it may still be changed.
    await expect.poll(() => api.asked.filter(({ method }) => method === "GET").length).toBeGreaterThan(1);
    expect(api.asked.filter(({ method }) => method === "PATCH")).toHaveLength(1);
    api.intercept = undefined;
  });

  test("a lock cuts a watch that goes on, and nothing more is sent", async () => {
    const events = prod.watch({ resource: "pods", namespace: "shop" });
    expect((await events.next()).value).toMatchObject({ type: "ADDED" });
    const rest = (async () => {
      for await (const _ of events);
    })();
    const cut = expect(rest).rejects.toMatchObject({ code: "revoked" });
    const locked = await world.instance.cli("lock", "resource", "prod", "--reason", "test", "--as", "alice");
    expect(locked.code).toBe(0);
    await cut;
    const before = api.asked.length;
    await expect(prod.get(web)).rejects.toMatchObject({ code: "revoked" });
    expect(api.asked).toHaveLength(before);
  });
});
