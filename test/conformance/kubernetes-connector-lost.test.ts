import type { Json, KubernetesRequest } from "@countersign/policy";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import { KubernetesConnectors, kubernetesRequest as request, withJson } from "../harness/kubernetes/kubernetes-connectors.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

let world: KubernetesConnectors;
let api: KubernetesApi;

const pods = "/api/v1/namespaces/shop/pods";
const web = "/apis/apps/v1/namespaces/shop/deployments/web";
const scaled = (replicas: number) => withJson("PATCH", `${web}/scale`, { spec: { replicas } }, "application/merge-patch+json");

beforeAll(async () => {
  world = await KubernetesConnectors.start();
  ({ api } = world);
});
beforeEach(() => {
  api.asked.length = 0;
  api.intercept = undefined;
  const [old] = api.store.list(kindOfDeployment());
  if (old !== undefined) api.store.remove(kindOfDeployment(), old);
  api.store.seed({ kind: "Deployment", metadata: { name: "web", namespace: "shop" }, spec: { replicas: 2 } });
});
afterAll(() => world?.[Symbol.asyncDispose]());

const kindOfDeployment = () => kindOf("Deployment");
const run: KubernetesConnectors["run"] = (operation, options) => world.run(operation, options);

describe("a lost answer", () => {
  /** Does it, or does not, and breaks the connection off. */
  const losing = (does: boolean) => {
    api.intercept = ({ method, path }, response) => {
      if (method === "GET") return false;
      if (does) {
        const kind = kindOfDeployment();
        const object = api.store.get(kind, "shop", "web");
        if (method === "DELETE") api.store.remove(kind, object);
        else api.store.put(kind, { ...object, spec: { replicas: path.length } });
      }
      return response.destroy() !== undefined;
    };
  };
  /** Another connector each time: the sidecar may have been started anew. */
  const resolved = (marker: Json, by = world.connector()) => by.resolve(marker, "static");

  test("of a read is no doubt", async () => {
    api.intercept = (_asked, response) => response.destroy() !== undefined;
    expect((await run(request(pods))).outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_lost", retryable: true },
    });
  });

  test.each([
    ["a patch", scaled(5)],
    ["a delete", request(web, { method: "DELETE" })],
  ])("of %s that was never carried out: it failed, once the API server is done with it", async (_what, operation) => {
    losing(false);
    const { outcome, marker } = await run(operation);
    expect(outcome).toMatchObject({ state: "unknown", failure: { code: "unknown_outcome" } });
    expect(marker).toMatchObject({ object: web, uid: expect.any(String), resourceVersion: expect.any(String) });
    // However long it was on its way: the time counts from when its connection had ended.
    world.nowMs += 300_000;
    const by = world.connector();
    for (const passed of [0, 60_000, 59_000]) {
      world.nowMs += passed;
      await expect(resolved(marker, by)).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
    }
    world.nowMs += 2_000;
    await expect(resolved(marker)).rejects.toMatchObject({ code: "target_unavailable" });
    expect(await resolved(marker, by)).toMatchObject({ state: "failed", failure: { code: "target_lost", retryable: true } });
  });

  test("of the same write a second time is waited for anew", async () => {
    losing(false);
    const by = world.connector();
    const first = await run(scaled(5));
    await expect(resolved(first.marker, by)).rejects.toMatchObject({ code: "target_unavailable" });
    world.nowMs += 121_000;
    const second = await run(scaled(5));
    expect(await resolved(first.marker, by)).toMatchObject({ state: "failed" });
    await expect(resolved(second.marker, by)).rejects.toMatchObject({ code: "target_unavailable" });
  });

  test.each([
    ["a patch", scaled(5), /was changed since/],
    ["a delete", request(web, { method: "DELETE" }), /not there any more/],
  ])("of %s that was carried out: unknown, and what was found", async (_what, operation, found) => {
    losing(true);
    const { outcome, marker } = await run(operation);
    expect(outcome.state).toBe("unknown");
    expect(await resolved(marker)).toMatchObject({ state: "unknown", failure: { message: expect.stringMatching(found) } });
  });

  test("another object of the same name proves nothing", async () => {
    losing(true);
    const { marker } = await run(request(web, { method: "DELETE" }));
    api.store.seed({ kind: "Deployment", metadata: { name: "web", namespace: "shop" } });
    expect(await resolved(marker)).toMatchObject({
      state: "unknown",
      failure: { message: expect.stringMatching(/Another object/) },
    });
  });

  test.each([
    [
      "of a create",
      withJson("POST", "/apis/apps/v1/namespaces/shop/deployments", { kind: "Deployment", metadata: { name: "new" } }),
    ],
    ["of a whole collection", request("/apis/apps/v1/namespaces/shop/deployments", { method: "DELETE" })],
    ["of an object that was not there", request(`${web}-other`, { method: "DELETE" })],
  ])("%s can never be told", async (_what, operation: KubernetesRequest) => {
    losing(false);
    const { outcome, marker } = await run(operation);
    expect([outcome.state, marker]).toEqual(["unknown", null]);
    expect(await resolved(marker)).toMatchObject({ state: "unknown" });
  });

  test("an API server that is away, or has no time, is asked again; one that does not let the role look is not", async () => {
    losing(false);
    const { marker } = await run(scaled(5));
    for (const [status, answer] of [
      [503, undefined],
      [429, undefined],
      [403, "unknown"],
    ] as const) {
      api.intercept = (_asked, response) => response.writeHead(status).end() !== undefined;
      if (answer === undefined) await expect(resolved(marker)).rejects.toMatchObject({ retryable: true });
      else expect(await resolved(marker)).toMatchObject({ state: answer });
    }
  });

  test("a role that may not look at the object may write to it all the same; then nothing can be told", async () => {
    api.intercept = ({ method }, response) => method === "GET" && response.writeHead(403).end() !== undefined;
    const { outcome, marker } = await run(scaled(3));
    expect([outcome.state, outcome.status, marker]).toEqual(["succeeded", 200, null]);
  });

  test("an API server that does not answer before the write: nothing is sent", async () => {
    api.intercept = (_asked, response) => response.destroy() !== undefined;
    await expect(run(scaled(3))).rejects.toMatchObject({ code: "target_unavailable", retryable: true });
    expect(api.asked.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("of a Secret no more than its metadata was looked at", async () => {
    api.store.seed({ kind: "Secret", metadata: { name: "s", namespace: "shop" }, data: { a: "YQ==" } });
    await run(request("/api/v1/namespaces/shop/secrets/s", { method: "DELETE" }));
    expect(api.asked.map(({ method }) => method)).toEqual(["GET", "DELETE"]);
    expect(api.asked[0]?.headers.accept).toMatch(/^application\/json;as=PartialObjectMetadata/);
  });
});
