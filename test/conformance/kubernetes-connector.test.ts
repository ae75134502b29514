import { readFileSync } from "node:fs";
import { classify, type Facts } from "@countersign/policy";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { openKubernetesConnector } from "../../packages/sidecar/src/protocols/kubernetes/connector.ts";
import { kubernetesResourceSchema, kubernetesWarnings } from "../../packages/sidecar/src/protocols/kubernetes/resource.ts";
import { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import {
  KubernetesConnectors,
  ownToken,
  kubernetesRequest as request,
  staticToken,
  withJson,
} from "../harness/kubernetes/kubernetes-connectors.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

let world: KubernetesConnectors;
let api: KubernetesApi;

const readme = new URL("../../packages/sidecar/src/protocols/kubernetes/README.md", import.meta.url);
const pods = "/api/v1/namespaces/shop/pods";
const restart = withJson(
  "PATCH",
  "/apis/apps/v1/namespaces/shop/deployments/web",
  { spec: { template: { metadata: { annotations: { at: "1" } } } } },
  "application/merge-patch+json",
);

/** The documents of the README's blocks that begin with a text. */
function documents(beginning: string): readonly Record<string, unknown>[] {
  const block = [...readFileSync(readme, "utf8").matchAll(/```yaml\n([\s\S]*?)```/g)].find(([, text]) =>
    text?.startsWith(beginning),
  );
  return parseAllDocuments(block?.[1] ?? "").map((one) => one.toJS() as Record<string, unknown>);
}

const bound = (name: string, subject: object) => [
  {
    ...{ kind: "Role", metadata: { name, namespace: "shop" } },
    rules: [{ apiGroups: ["", "apps"], resources: ["pods", "deployments"], verbs: ["get", "list", "patch"] }],
  },
  {
    ...{ kind: "RoleBinding", metadata: { name, namespace: "shop" }, roleRef: { kind: "Role", name } },
    subjects: [subject],
  },
];

beforeAll(async () => {
  world = await KubernetesConnectors.start({ usesRbac: true });
  ({ api } = world);
  api.store.seed({ kind: "ServiceAccount", metadata: { name: "deployer", namespace: "shop" } });
  api.store.seed({ kind: "Deployment", metadata: { name: "web", namespace: "shop" }, spec: { replicas: 2 } });
  api.store.seed({ kind: "Pod", metadata: { name: "web-0", namespace: "shop" } });
  // Exactly what the README says, and nothing else for the sidecar's own credential.
  api.store.seed(...documents("# TokenRequest"), ...documents("# Impersonation"));
  api.store.seed(...bound("deploys", { kind: "ServiceAccount", namespace: "shop", name: "deployer" }));
  api.store.seed(...bound("views", { kind: "User", name: "agents-viewer" }));
  api.store.seed(...bound("janes", { kind: "User", name: "jane" }));
  api.store.seed(...bound("mutuals", { kind: "User", name: "mutual-user" }));
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(() => {
  api.asked.length = 0;
  api.intercept = undefined;
  world.nowMs += 3_600_000;
});

const run: KubernetesConnectors["run"] = (operation, options) => world.run(operation, options);
const factsOf = (operation: ReturnType<typeof request>): Facts => classify(operation, { searchPath: [] });

describe("least credential", () => {
  test.each([
    ["static", { username: "jane" }, undefined],
    ["mutual", { username: "mutual-user" }, undefined],
    ["viewer", { username: "agents-viewer", groups: ["agents", "system:authenticated"] }, { username: "countersign" }],
    ["deployer", { username: "system:serviceaccount:shop:deployer" }, undefined],
  ])("%s: who the API server sees, by the RBAC of the README", async (role, user, by) => {
    const { outcome, body } = await run(request(pods), { role });
    expect(outcome).toMatchObject({ state: "succeeded", status: 200 });
    expect(JSON.parse(body)).toMatchObject({ kind: "PodList", items: [{ metadata: { name: "web-0" } }] });
    expect(api.last.user).toMatchObject(user);
    expect(api.last.impersonatedBy?.username).toBe(by?.username);
  });

  test("the sidecar's own credential may do nothing but what the README grants", async () => {
    const by = world.connector({
      roles: {
        own: { token: { env: "OWN" } },
        admin: { token: { env: "OWN" }, impersonate: { user: "admin" } },
        more: { token: { env: "OWN" }, impersonate: { user: "agents-viewer", groups: ["agents", "ops"] } },
        uid: { token: { env: "OWN" }, impersonate: { user: "agents-viewer", groups: ["agents"], uid: "u-1" } },
        other: { token: { env: "OWN" }, serviceAccount: { namespace: "default", name: "default" } },
      },
    });
    for (const role of ["own", "admin", "more", "uid"])
      expect((await run(request(pods), { role, by })).outcome).toMatchObject({ state: "succeeded", status: 403 });
    expect(api.last.user).toMatchObject({ username: "agents-viewer", uid: "u-1", groups: ["agents", "system:authenticated"] });
    await expect(run(request(pods), { role: "other", by })).rejects.toMatchObject({ code: "target_credentials" });
  });

  test("a write has a token of its own, reads share one until shortly before its end", async () => {
    const used = () => api.asked.filter(({ path }) => !path.endsWith("/token")).map(({ headers }) => headers.authorization);
    await Promise.all([1, 2, 3].map(() => run(request(pods), { role: "deployer" })));
    await run(request(pods), { role: "deployer" });
    expect(new Set(used()).size).toBe(1);
    await run(restart, { role: "deployer" });
    await run(restart, { role: "deployer" });
    // Each of them looked at the object first, with the same token.
    expect(new Set(used()).size).toBe(3);
    world.nowMs += 539_000;
    await run(request(pods), { role: "deployer" });
    expect(new Set(used()).size).toBe(3);
    world.nowMs += 2_000;
    await run(request(pods), { role: "deployer" });
    expect(new Set(used()).size).toBe(4);
    const [first] = api.asked;
    expect(first).toMatchObject({ method: "POST", url: "/api/v1/namespaces/shop/serviceaccounts/deployer/token" });
    expect(JSON.parse(first?.body.toString() ?? "")).toMatchObject({ kind: "TokenRequest", spec: { expirationSeconds: 600 } });
    expect(first?.user?.username).toBe("countersign");
  });

  test("a service account that was made anew: one read fails, the next has a token of the new one", async () => {
    await run(request(pods), { role: "deployer" });
    const kind = kindOf("ServiceAccount");
    api.store.remove(kind, api.store.get(kind, "shop", "deployer"));
    api.store.seed({ kind: "ServiceAccount", metadata: { name: "deployer", namespace: "shop" } });
    const refused = await run(request(pods), { role: "deployer" });
    // The agent would take it for a word about its own token.
    expect(refused).toMatchObject({
      outcome: { state: "failed", failure: { code: "target_credentials" } },
      head: undefined,
      body: "",
    });
    expect((await run(request(pods), { role: "deployer" })).outcome.status).toBe(200);
  });

  test("a token for another audience is asked for as configured, and is none for the API server", async () => {
    const serviceAccount = { namespace: "shop", name: "deployer", audience: "vault" };
    const by = world.connector({ roles: { vault: { token: { env: "OWN" }, serviceAccount } } });
    expect((await run(request(pods), { role: "vault", by })).outcome).toMatchObject({ state: "failed", status: 401 });
    expect(JSON.parse(api.asked[0]?.body.toString() ?? "")).toMatchObject({ spec: { audiences: ["vault"] } });
    api.intercept = ({ path }, response) => {
      const spec = { expirationSeconds: 600, audiences: ["vault", "everybody"] };
      if (path.endsWith("/token")) response.writeHead(201).end(JSON.stringify({ spec, status: { token: "a-token-for-more" } }));
      return path.endsWith("/token");
    };
    world.nowMs += 600_000;
    await expect(run(request(pods), { role: "vault", by })).rejects.toMatchObject({ code: "target_credentials" });
  });

  test("beside a certificate that asks for tokens, requests show the token only", async () => {
    api.store.seed({
      ...{ kind: "RoleBinding", metadata: { name: "mutual-tokens", namespace: "shop" } },
      ...{ roleRef: { kind: "Role", name: "countersign-tokens" }, subjects: [{ kind: "User", name: "mutual-user" }] },
    });
    await run(request(pods), { role: "mutualDeployer" });
    expect(api.asked.map(({ user }) => user?.username)).toEqual(["mutual-user", "system:serviceaccount:shop:deployer"]);
  });

  test("what is approved names the identity, and no secret", () => {
    const by = world.connector();
    expect(by.target("deployer")).toMatchObject({
      ...{ type: "kubernetes", address: api.url, tls: "verify-full", ca: expect.stringMatching(/^sha256:/) },
      credential: "service account shop/deployer, ten minutes, by bearer",
    });
    expect(by.target("viewer").credential).toBe("impersonating agents-viewer, of agents, by bearer");
    expect(by.target("mutual").credential).toBe("certificate");
  });

  test("a token of more than ten minutes, no token, or a refusal: nothing is sent, and nothing of the answer is said", async () => {
    const spec = { expirationSeconds: 86_400 };
    const claims = Buffer.from(JSON.stringify({ iat: 1_000, exp: 1_000 + 31_536_000 })).toString("base64url");
    const answers = [
      [201, { spec: { expirationSeconds: 600 }, status: { token: `a-token.${claims}.that-says-ten-minutes` } }],
      [201, { spec, status: { token: "a-token-of-one-whole-day" } }],
      [201, { spec: { expirationSeconds: 600 }, status: { token: "a\r\nb: a-token-that-breaks-out" } }],
      [201, "no JSON at all: a-token-in-words"],
      [403, { message: "a-token-in-an-error" }],
      [500, {}],
    ] as const;
    for (const [status, answer] of answers) {
      api.asked.length = 0;
      api.intercept = ({ path }, response) => {
        if (path.endsWith("/token")) response.writeHead(status).end(JSON.stringify(answer));
        return path.endsWith("/token");
      };
      const error: unknown = await run(request(pods), { role: "deployer", by: world.connector() }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: "target_credentials", retryable: status === 500 });
      expect(JSON.stringify(error) + String(error)).not.toContain("a-token");
      expect(api.asked).toHaveLength(1);
    }
  });

  test("configuration: one way in, none past RBAC, nothing that ends a header early; static ones are warned about", () => {
    const check = (role: unknown) => kubernetesResourceSchema.safeParse(world.resource({ roles: { role } }).resource);
    const token = { env: "OWN" };
    const certificate = { cert: "-----BEGIN CERTIFICATE-----", key: token };
    for (const [role, message] of [
      [{}, /either token or certificate/],
      [{ token, certificate }, /either token or certificate/],
      [{ impersonate: { user: "jane" } }, /either token or certificate/],
      [{ token, impersonate: { user: "jane" }, serviceAccount: { namespace: "a", name: "b" } }, /exclude each other/],
      [{ token, impersonate: { user: "jane", groups: ["system:masters"] } }, /beyond RBAC/],
      [{ token, impersonate: { user: "jane\r\nImpersonate-Group: ops" } }, /visible ASCII/],
      [{ token, serviceAccount: { namespace: "a/../b", name: "b" } }, /the name of an object/],
      [{ token: "secret-that-stands-here" }, /a secret cannot be written here/],
    ] as const)
      expect(check(role).error?.message).toMatch(message);
    for (const server of ["http://10.0.0.1", "https://10.0.0.1/k8s", "https://169.254.169.254", "https://user@10.0.0.1"])
      expect(kubernetesResourceSchema.safeParse(world.resource({ server }).resource).success).toBe(false);
    const [example] = documents("resources:").flatMap(({ resources }) => resources as unknown[]);
    expect(Object.keys(kubernetesResourceSchema.parse(example).roles)).toEqual(["deployer", "viewer", "legacy", "mutual"]);
    const parsed = kubernetesResourceSchema.parse(world.resource().resource);
    expect(kubernetesWarnings(parsed)).toEqual([
      expect.stringMatching(/role static uses a token that outlives/),
      expect.stringMatching(/role mutual uses a client certificate, which Kubernetes cannot revoke/),
    ]);
  });
});

describe("k8s-wide: nobody asks as somebody else", () => {
  test.each([
    ["Impersonate-User", "system:admin"],
    ["impersonate-group", "system:masters"],
    ["IMPERSONATE-UID", "1"],
    ["Impersonate-Extra-scopes", "all"],
    ["Authorization", "Bearer own"],
    ["Cookie", "session=1"],
    ["X-Remote-User", "admin"],
    ["X-Remote-Extra-Scopes", "all"],
    ["X-Api-Key", "k"],
    ["X-Forwarded-User", "admin"],
    ["X-Auth-Request-Groups", "system:masters"],
    // The cluster's own audit log would tell of another place, or of another request.
    ["X-Forwarded-For", "10.0.0.1"],
    ["Audit-ID", "the-id-of-another-request"],
    ["Upgrade", "websocket"],
  ])("%s: refused by the connector, too, whatever classification said", (name, value) => {
    const operation = request(pods, { headers: [[name, value]] });
    const facts = factsOf(request(pods));
    expect(() => world.connector().accept(operation, facts)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
  });

  test("a header that makes a proxy drop the impersonation is refused, wherever it comes in", () => {
    const operation = request(pods, { headers: [["Connection", "Impersonate-User, Impersonate-Group"]] });
    expect(() => factsOf(operation)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
    const signal = new AbortController().signal;
    expect(() => world.connector().dispatch(operation, "viewer", {}, { signal, readOnly: true })).toThrow(/Connection names/);
    expect(api.asked).toEqual([]);
  });

  test("neither the caller's framing nor another host reaches the API server", async () => {
    const headers = [
      ["Host", "evil.test"],
      ["Accept-Encoding", "gzip"],
      ["Accept", "application/json"],
    ] as const;
    await run(request(pods, { headers }));
    const { port } = new URL(api.url);
    expect(api.last.headers).toMatchObject({
      host: `localhost:${port}`,
      "accept-encoding": "identity",
      authorization: `Bearer ${staticToken}`,
    });
    expect(api.last.headers.authorization).not.toContain(ownToken);
  });
});

describe("nothing is sent to whoever is not the API server", () => {
  test("another authority, another name, an address that is no target: no credential leaves", async () => {
    await using other = await KubernetesApi.start();
    const elsewhere = (more: object) => run(request(pods), { by: world.connector(more) });
    expect((await elsewhere({ server: other.url })).outcome).toMatchObject({
      ...{ state: "failed", failure: { code: "target_unavailable", message: expect.stringMatching(/does not prove who it is/) } },
    });
    // The certificate is for localhost.
    const byAddress = { server: `https://127.0.0.1:${api.port}` };
    expect((await elsewhere(byAddress)).outcome).toMatchObject({ state: "failed", failure: { code: "target_unavailable" } });
    const { resource, env } = world.resource({ server: "https://api.prod.test" });
    const by = openKubernetesConnector(kubernetesResourceSchema.parse(resource), {
      ...{ folder: ".", env },
      lookup: (_name, _options, done) => done(null, [{ address: "169.254.169.254", family: 4 }]),
    });
    expect((await run(request(pods), { by })).outcome).toMatchObject({
      ...{
        state: "failed",
        failure: { code: "target_unavailable", message: expect.stringMatching(/Nothing is sent to api.prod.test/) },
      },
    });
    await by.close();
    expect([...other.asked, ...api.asked]).toEqual([]);
  });
});
