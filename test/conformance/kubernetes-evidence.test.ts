import { describe, expect, test } from "vitest";
import { kubernetesRequest, withJson } from "../harness/kubernetes/kubernetes-connectors.ts";
import { evidenceOfFile, web } from "../harness/kubernetes/kubernetes-evidence-world.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

const deployments = "/apis/apps/v1/namespaces/shop/deployments";
const merge = "application/merge-patch+json";

const world = evidenceOfFile();
const { gather } = world;

describe("what a change would do", () => {
  test("a changed image reads as that, by the container's name", async () => {
    const containers = [
      { name: "log", image: "log:1" },
      { name: "web", image: "web:2" },
    ];
    const found = await gather(
      withJson("PATCH", `${deployments}/web?fieldManager=kubectl-set`, { spec: { template: { spec: { containers } } } }, merge),
    );
    expect(found.failure).toBeUndefined();
    expect(found.changes).toEqual({
      fields: [{ path: "spec.template.spec.containers[name=web].image", before: '"web:1"', after: '"web:2"' }],
      more: 0,
    });
    expect(found.about).toEqual(expect.arrayContaining([{ name: "Object", text: "Deployment shop/web" }]));
    expect(found.notes.join(" ")).toContain("metadata.managedFields");
    expect(world.api.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${deployments}/web`,
      `PATCH ${deployments}/web?fieldManager=kubectl-set&dryRun=All`,
    ]);
  });

  test("scale: from, to", async () => {
    const found = await gather(withJson("PATCH", `${deployments}/web/scale`, { spec: { replicas: 5 } }, merge));
    expect(found.changes?.fields).toContainEqual({ path: "spec.replicas", before: "2", after: "5" });
  });

  test("server-side apply of what is there is no change, and that is not a failure", async () => {
    const body = JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: web.spec });
    const apply = { headers: [["Content-Type", "application/apply-patch+yaml"]] as const, body: { text: body } };
    const found = await gather(kubernetesRequest(`${deployments}/web?fieldManager=a&force=true`, { method: "PATCH", ...apply }));
    expect(found).toMatchObject({ changes: { fields: [], more: 0 } });
    expect(found.failure).toBeUndefined();
  });

  test("something new, with what the API server adds", async () => {
    const found = await gather(
      withJson("POST", deployments, {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "api" },
        spec: { replicas: 1 },
      }),
    );
    expect(found.notes[0]).toContain("There is no such object now");
    expect(found.changes?.fields).toContainEqual({ path: "spec.replicas", after: "1" });
    expect(found.about).toEqual([{ name: "New object", text: "Deployment shop/api" }]);
  });

  test("texts are compared line by line", async () => {
    const found = await gather(
      withJson("PATCH", "/api/v1/namespaces/shop/configmaps/nginx", { data: { conf: "user root;\nworkers 4;\n" } }, merge),
    );
    expect(found.difference).toBe("@ data.conf\n-user www;\n+user root;\n workers 4;");
    expect(found.changes?.fields).toMatchObject([{ path: "data.conf", before: expect.stringContaining("a text of 3 lines") }]);
  });

  test("a delete: what goes, what it waits for, what goes with it", async () => {
    const found = await gather(kubernetesRequest(`${deployments}/web`, { method: "DELETE" }));
    expect(found.about).toEqual(
      expect.arrayContaining([
        { name: "Object", text: "Deployment shop/web" },
        { name: "Finalizers, that it waits for when it is deleted", text: "example.com/drain" },
        { name: "Pods that its selector matches", text: "1" },
      ]),
    );
    expect(found.notes[0]).toBe("The API server would delete Deployment shop/web.");
  });

  test("a namespace: how much is in it, without a value of its Secrets", async () => {
    const found = await gather(kubernetesRequest("/api/v1/namespaces/shop", { method: "DELETE" }));
    const counted = Object.fromEntries((found.about ?? []).map(({ name, text }) => [name, text]));
    expect(counted).toMatchObject({ Pods: "1", Deployments: "1", Secrets: "1", "Config maps": "1" });
    expect(counted.Jobs).toMatch(/^0$|could not be counted/);
    expect(world.api.asked.find(({ url }) => url.includes("/secrets"))?.headers.accept).toContain("PartialObjectMetadataList");
  });

  test("a collection: what it selects", async () => {
    const found = await gather(kubernetesRequest("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb", { method: "DELETE" }));
    expect(found.about).toEqual([
      { name: "Objects that it selects", text: "1" },
      { name: "Among them", text: "shop/web-0" },
    ]);
    expect(world.api.asked.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("exec: the pod, its image and powers, and whether it still is the one", async () => {
    const exec = (more: object) =>
      gather(kubernetesRequest("/api/v1/namespaces/shop/pods/web-0/exec?command=ls&container=side", more));
    const { uid } = world.api.store.get(kindOf("Pod"), "shop", "web-0").metadata;
    const found = await exec({ uid });
    expect(found.about).toEqual(
      expect.arrayContaining([
        { name: "Container", text: "side" },
        { name: "Image", text: "side:1" },
        { name: "Node", text: "node-1" },
        { name: "Runs with", text: "privileged" },
        { name: "UID", text: uid },
      ]),
    );
    expect(found.failure).toBeUndefined();
    expect((await exec({ uid: "u-0" })).failure).toContain("another one by now");
  });
});

describe("a failure is told as one, never as no effect", () => {
  const patch = withJson("PATCH", `${deployments}/web`, { spec: { replicas: 9 } }, merge);

  test("what the API server says when it would refuse it", async () => {
    world.api.intercept = ({ url }, response) => {
      if (!url.includes("dryRun")) return false;
      const message = 'admission webhook "policy.example.com" denied the request: too many replicas';
      response.writeHead(403, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "Status", status: "Failure", message }));
      return true;
    };
    const found = await gather(patch);
    expect(found.failure).toContain("would refuse it");
    expect(found.failure).toContain("too many replicas");
    expect(found.changes).toBeUndefined();
  });

  test.each([
    ["the role may not read it", 403],
    ["something stands in between", 502],
  ])("%s", async (_, status) => {
    world.api.intercept = (__, response) => {
      response.writeHead(status);
      response.end("<html>");
      return true;
    };
    const found = await gather(patch);
    expect(found.failure).toContain(String(status));
    expect(found.changes).toBeUndefined();
  });

  test("it cannot be asked at all, or answers without end", async () => {
    expect((await gather(patch, { server: "https://localhost:1" })).failure).toContain("could not be found out");
    world.api.intercept = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(`{"a":"${"x".repeat(4 * 1024 * 1024)}"}`);
      return true;
    };
    const found = await gather(patch);
    expect(found.failure).toContain("could not be found out");
    expect(found.changes).toBeUndefined();
  });
});
