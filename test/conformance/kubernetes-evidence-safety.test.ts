import { describe, expect, test } from "vitest";
import { kubernetesResourceSchema } from "../../packages/sidecar/src/protocols/kubernetes/resource.ts";
import { kubernetesRequest, withJson } from "../harness/kubernetes/kubernetes-connectors.ts";
import { evidenceOfFile, hide, secret } from "../harness/kubernetes/kubernetes-evidence-world.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

const encoded = Buffer.from(secret).toString("base64");
const deployments = "/apis/apps/v1/namespaces/shop/deployments";
const secrets = "/api/v1/namespaces/shop/secrets";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

const world = evidenceOfFile();
const { gather } = world;

describe("finding out changes nothing", () => {
  test("of a delete with a body the query does not count, so that it is asked in the body", async () => {
    const uid = world.api.store.get(kindOf("Deployment"), "shop", "web").metadata.uid;
    await gather(withJson("DELETE", `${deployments}/web`, { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid } }));
    const sent = world.api.asked.find(({ method }) => method === "DELETE");
    expect(JSON.parse(sent?.body.toString() ?? "")).toMatchObject({ dryRun: ["All"], preconditions: { uid } });
  });

  test("a delete whose body cannot be read is not tried", async () => {
    const body = { headers: [["Content-Type", "application/vnd.kubernetes.protobuf"]] as const, body: { text: "k8s" } };
    const found = await gather(kubernetesRequest(`${deployments}/web`, { method: "DELETE", ...body }));
    expect(found.failure).toContain("not tried");
    expect(world.api.asked.every(({ method }) => method === "GET")).toBe(true);
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
    world.api.intercept = ({ url }, response) => {
      if (!url.includes("apiregistration")) return false;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "APIService", spec: { service: { name: "metrics", namespace: "x" } } }));
      return true;
    };
    await gather(operation);
    expect(world.api.asked.map(({ method }) => method).filter((method) => method !== "GET")).toEqual([]);
  });

  test("however much is different, what is told of it is kept", async () => {
    const data = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, `${"\u0001€".repeat(900)}\n`]));
    const found = await gather(
      withJson("PATCH", "/api/v1/namespaces/shop/configmaps/nginx", { data: { ...data, conf: data.k0 } }, merge),
    );
    expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThan(512 * 1024);
    expect((found.changes?.fields.length ?? 0) + (found.changes?.more ?? 0)).toBe(201);
  });

  test("the role that is for evidence is the one that asks", async () => {
    await gather(kubernetesRequest(`${deployments}/web`, { method: "DELETE" }), { evidence: { role: "viewer" } });
    expect(
      world.api.asked.every(({ impersonatedBy, user }) => impersonatedBy === undefined || user?.username === "agents-viewer"),
    ).toBe(true);
    expect(() => kubernetesResourceSchema.parse(world.connectors.resource({ evidence: { role: "none" } }).resource)).toThrow(
      /no role none/,
    );
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
    world.api.intercept = ({ method }, response) => {
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
