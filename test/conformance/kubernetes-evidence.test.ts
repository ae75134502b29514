import { classify, hidingWith, type KubernetesRequest } from "@countersign/policy";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openKubernetesEvidence } from "../../packages/sidecar/src/protocols/kubernetes/evidence/evidence.ts";
import { kubernetesResourceSchema } from "../../packages/sidecar/src/protocols/kubernetes/resource.ts";
import type { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import { KubernetesConnectors, kubernetesRequest, withJson } from "../harness/kubernetes/kubernetes-connectors.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

const hide = hidingWith("salt");
const secret = "hunter2-is-what-nobody-guesses";
const encoded = Buffer.from(secret).toString("base64");
const deployments = "/apis/apps/v1/namespaces/shop/deployments";
const secrets = "/api/v1/namespaces/shop/secrets";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

let world: KubernetesConnectors;
let api: KubernetesApi;

const web = {
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", finalizers: ["example.com/drain"] },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      spec: {
        containers: [
          { name: "log", image: "log:1" },
          { name: "web", image: "web:1" },
        ],
      },
    },
  },
};

beforeAll(async () => {
  world = await KubernetesConnectors.start();
  ({ api } = world);
  api.store.seed(
    {
      kind: "Pod",
      metadata: { name: "web-0", namespace: "shop", labels: { app: "web" } },
      spec: {
        nodeName: "node-1",
        containers: [
          { name: "app", image: "app:7" },
          { name: "side", image: "side:1", securityContext: { privileged: true } },
        ],
      },
    },
    { kind: "ConfigMap", metadata: { name: "nginx", namespace: "shop" }, data: { conf: "user www;\nworkers 4;\n" } },
    { kind: "Secret", metadata: { name: "db", namespace: "shop" }, data: { password: encoded, user: "YXBw" }, type: "Opaque" },
    web,
  );
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(() => {
  api.asked.length = 0;
  api.intercept = undefined;
});

async function gather(operation: KubernetesRequest, more: object = {}) {
  const { resource, env } = world.resource(more);
  const source = openKubernetesEvidence(kubernetesResourceSchema.parse(resource), { folder: ".", env });
  const facts = classify(operation, { searchPath: [] });
  const before = JSON.stringify(everything());
  const found = await source.gather({ kind: "plan", operation, facts, role: "static", hide }, new AbortController().signal);
  // Whatever came of it: nothing is different from before.
  expect(JSON.stringify(everything())).toBe(before);
  return found;
}

function everything() {
  return ["Pod", "ConfigMap", "Secret", "Deployment", "Namespace"].map((kind) => api.store.list(kindOf(kind), ""));
}

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
    expect(api.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
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
    expect(api.asked.find(({ url }) => url.includes("/secrets"))?.headers.accept).toContain("PartialObjectMetadataList");
  });

  test("a collection: what it selects", async () => {
    const found = await gather(kubernetesRequest("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb", { method: "DELETE" }));
    expect(found.about).toEqual([
      { name: "Objects that it selects", text: "1" },
      { name: "Among them", text: "shop/web-0" },
    ]);
    expect(api.asked.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("exec: the pod, its image and powers, and whether it still is the one", async () => {
    const exec = (more: object) =>
      gather(kubernetesRequest("/api/v1/namespaces/shop/pods/web-0/exec?command=ls&container=side", more));
    const { uid } = api.store.get(kindOf("Pod"), "shop", "web-0").metadata;
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
    api.intercept = ({ url }, response) => {
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
    api.intercept = (__, response) => {
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
    api.intercept = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(`{"a":"${"x".repeat(4 * 1024 * 1024)}"}`);
      return true;
    };
    const found = await gather(patch);
    expect(found.failure).toContain("could not be found out");
    expect(found.changes).toBeUndefined();
  });
});

describe("finding out changes nothing", () => {
  test("of a delete with a body the query does not count, so that it is asked in the body", async () => {
    const uid = api.store.get(kindOf("Deployment"), "shop", "web").metadata.uid;
    await gather(withJson("DELETE", `${deployments}/web`, { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid } }));
    const sent = api.asked.find(({ method }) => method === "DELETE");
    expect(JSON.parse(sent?.body.toString() ?? "")).toMatchObject({ dryRun: ["All"], preconditions: { uid } });
  });

  test("a delete whose body cannot be read is not tried", async () => {
    const body = { headers: [["Content-Type", "application/vnd.kubernetes.protobuf"]] as const, body: { text: "k8s" } };
    const found = await gather(kubernetesRequest(`${deployments}/web`, { method: "DELETE", ...body }));
    expect(found.failure).toContain("not tried");
    expect(api.asked.every(({ method }) => method === "GET")).toBe(true);
  });

  test.each([
    [
      "a token",
      withJson("POST", "/api/v1/namespaces/shop/serviceaccounts/default/token", {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        spec: {},
      }),
    ],
    ["a binding", withJson("POST", "/api/v1/namespaces/shop/pods/web-0/binding", { kind: "Binding", apiVersion: "v1" })],
    [
      "an approval",
      withJson("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval", {
        kind: "CertificateSigningRequest",
        apiVersion: "certificates.k8s.io/v1",
        metadata: { name: "a" },
      }),
    ],
    [
      "an eviction",
      withJson("POST", "/api/v1/namespaces/shop/pods/web-0/eviction", {
        kind: "Eviction",
        apiVersion: "policy/v1",
        metadata: { name: "web-0" },
      }),
    ],
    ["another server's", withJson("PATCH", "/apis/metrics.example.com/v1/namespaces/shop/things/a", { spec: {} }, merge)],
  ])("%s is not tried", async (_, operation) => {
    api.intercept = ({ url }, response) => {
      if (!url.includes("apiregistration")) return false;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "APIService", spec: { service: { name: "metrics", namespace: "x" } } }));
      return true;
    };
    await gather(operation);
    expect(api.asked.map(({ method }) => method).filter((method) => method !== "GET")).toEqual([]);
  });

  test("the role that is for evidence is the one that asks", async () => {
    await gather(kubernetesRequest(`${deployments}/web`, { method: "DELETE" }), { evidence: { role: "viewer" } });
    expect(
      api.asked.every(({ impersonatedBy, user }) => impersonatedBy === undefined || user?.username === "agents-viewer"),
    ).toBe(true);
    expect(() => kubernetesResourceSchema.parse(world.resource({ evidence: { role: "none" } }).resource)).toThrow(/no role none/);
  });
});

describe("k8s secrets: their values are in no evidence", () => {
  const all = (found: object) => JSON.stringify(found);
  const expectHidden = (found: object) => {
    for (const one of [secret, encoded, "hunter2", encoded.slice(0, 16)]) expect(all(found)).not.toContain(one);
  };

  test("what is changed and what is not can be told apart all the same", async () => {
    const found = await gather(
      withJson("PATCH", `${secrets}/db`, { data: { user: Buffer.from("root").toString("base64"), extra: encoded } }, merge),
    );
    expectHidden(found);
    expect(found.changes?.fields).toEqual([
      { path: "data.user", before: JSON.stringify(hide(Buffer.from("app"))), after: JSON.stringify(hide(Buffer.from("root"))) },
      { path: "data.extra", after: JSON.stringify(hide(Buffer.from(secret))) },
    ]);
  });

  test.each([
    [
      "a copy under another name",
      [
        { op: "copy", from: "/data/password", path: "/metadata/annotations" },
        { op: "replace", path: "/metadata/annotations", value: {} },
        { op: "copy", from: "/data/password", path: "/metadata/annotations/note" },
      ],
    ],
    ["all values as an annotation", [{ op: "copy", from: "/data/password", path: "/type" }]],
  ])("%s", async (_, changes) => {
    const found = await gather(withJson("PATCH", `${secrets}/db`, changes, "application/json-patch+json"));
    expectHidden(found);
    expect(all(found)).toContain("(hidden, sha256:");
  });

  test("the API server's words", async () => {
    api.intercept = ({ method }, response) => {
      if (method === "GET") return false;
      const message = `Secret "db" is invalid: data[password]: Invalid value: "${secret}": and was ${encoded}`;
      response.writeHead(422, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "Status", status: "Failure", message }));
      return true;
    };
    const found = await gather(withJson("PATCH", `${secrets}/db`, { stringData: { password: secret } }, strategic));
    expect(found.failure).toContain("is invalid");
    expectHidden(found);
  });
});
