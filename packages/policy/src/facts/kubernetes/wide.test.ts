import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyKubernetes, kubernetes } from "../kubernetes.ts";
import { removedHeaders, withoutImpersonation } from "./removed-headers.ts";

const inA = "/api/v1/namespaces/a";

function ask(method: string, path: string, headers: readonly (readonly [string, string])[] = []) {
  const typed: readonly (readonly [string, string])[] =
    method === "PATCH" ? [["Content-Type", "application/merge-patch+json"], ...headers] : headers;
  return classifyKubernetes({ kind: "kubernetes.request", method, path, headers: typed });
}

function decide(when: string, facts: ReturnType<typeof ask>, more = ""): string {
  const policy = loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: r, effect: allow, when: ${JSON.stringify(when)}${more} }]` });
  return policy.decide({
    resource: { name: "cluster", type: "kubernetes", labels: {}, roles: ["agent"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts: { protocol: "kubernetes", kubernetes: facts },
    reason: "",
    nowMs: 0,
  }).effect;
}

describe("k8s-wide: never by a rule that names only pods, nor by one that does not name what it opens", () => {
  test.each([
    ["GET", `${inA}/pods/web-0/attach`],
    ["POST", `${inA}/pods/web-0/attach?stdin=1`],
    ["GET", `${inA}/pods/web-0/portforward`],
    ["POST", `${inA}/pods/web-0/portforward?ports=80`],
    ["PATCH", `${inA}/pods/web-0/ephemeralcontainers`],
    ["PUT", `${inA}/pods/web-0/ephemeralcontainers`],
    ["GET", `${inA}/pods/web-0/proxy`],
    ["GET", `${inA}/pods/web-0:8080/proxy/admin/../x`.replace("/../", "/")],
    ["POST", `${inA}/pods/web-0/proxy/`],
    ["DELETE", `${inA}/services/https:web:443/proxy/a?x=1&x=2`],
    ["GET", "/api/v1/nodes/node-1/proxy/run/a/web-0/web"],
    ["GET", "/api/v1/nodes/node-1:10250/proxy/pods"],
    ["GET", "/api/v1/proxy/nodes/node-1/metrics"],
    ["POST", "/api/v1/proxy/namespaces/a/services/web/x"],
    ["POST", `${inA}/serviceaccounts/default/token`],
    ["PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval"],
    ["PATCH", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval"],
    ["GET", "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/vm/console"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/%61ttach"],
  ])("%s %s", (method, path) => {
    const facts = ask(method, path);
    expect(facts.opaque).toBe(true);
    expect(facts.readOnly).toBe(false);
    expect(facts.doubts.join()).not.toBe("");
    const names = `kubernetes.resource == "${facts.resource}" && kubernetes.namespace == "${facts.namespace}"`;
    expect(decide(names, facts)).toBe("deny");
    // Not even where the rule takes what is not understood.
    expect(decide(names, facts, ", opaque: true")).toBe("deny");
    // Nor where it takes sub-resources.
    expect(decide(`${names} && kubernetes.subresource != "x"`, facts)).toBe("deny");
    const meant = `${names} && kubernetes.subresource == "${facts.subresource}" && kubernetes.verb == "${facts.verb}"`;
    expect(decide(meant, facts)).toBe("deny");
    expect(decide(meant, facts, ", opaque: true")).toBe("allow");
  });

  test.each(["log", "status", "scale", "eviction", "binding", "resize"])(
    "%s needs a rule that looks at sub-resources",
    (subresource) => {
      const facts = ask("GET", `${inA}/pods/web-0/${subresource}`);
      expect(facts.opaque).toBe(false);
      expect(decide('kubernetes.resource == "pods" && kubernetes.verb == "get"', facts)).toBe("deny");
      expect(decide(`kubernetes.resource == "pods" && kubernetes.subresource in ["", "${subresource}"]`, facts)).toBe("allow");
    },
  );
});

describe("k8s-wide: what hands out rights is not part of a namespace", () => {
  test.each([
    ["GET", `${inA}/secrets`],
    ["GET", `${inA}/secrets/db`],
    ["GET", `/api/v1/watch/namespaces/a/secrets`],
    ["POST", `${inA}/secrets`],
    ["POST", `${inA}/serviceaccounts`],
    ["DELETE", inA],
    ["POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings"],
    ["PUT", "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/r"],
    ["PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/r"],
    ["DELETE", "/apis/rbac.authorization.k8s.io/v1beta1/clusterrolebindings"],
    ["POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"],
    ["PUT", "/apis/apiregistration.k8s.io/v1/apiservices/v1.x"],
    ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"],
    ["POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests"],
    ["POST", "/apis/authentication.k8s.io/v1/tokenreviews"],
    ["PATCH", "/api/v1/nodes/node-1"],
    ["POST", "/api/v1/persistentvolumes"],
    ["POST", "/apis/storage.k8s.io/v1/csidrivers"],
  ])("%s %s", (method, path) => {
    const facts = ask(method, path);
    expect(kubernetes.mustName?.(facts)).toEqual(["resource"]);
    expect(decide(`kubernetes.namespace in ["", "a"]`, facts)).toBe("deny");
    expect(decide(`kubernetes.verb != "x" && kubernetes.group != "x"`, facts, ", opaque: true")).toBe("deny");
    expect(decide(`kubernetes.resource == "${facts.resource}"`, facts)).toBe("allow");
  });

  test.each([
    ["GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"],
    ["GET", "/api/v1/nodes"],
    ["GET", "/api/v1/namespaces"],
    ["GET", `${inA}/configmaps/c`],
    ["POST", `${inA}/configmaps`],
    ["POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"],
    ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
  ])("not %s %s", (method, path) => {
    expect(kubernetes.mustName?.(ask(method, path))).toEqual([]);
  });
});

describe("k8s-wide: who asks", () => {
  test.each([
    ["Impersonate-User", "admin"],
    ["impersonate-group", "system:masters"],
    ["IMPERSONATE-UID", "1"],
    ["Impersonate-Extra-Scopes", "x"],
    ["Impersonate_User", "admin"],
    ["X-Remote-User", "admin"],
    ["X-Remote-Group", "system:masters"],
    ["X-Remote-Extra-Scopes", "x"],
    ["Authorization", "Bearer x"],
    ["Proxy-Authorization", "Basic x"],
    ["Cookie", "a=b"],
    ["Sec-WebSocket-Protocol", "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.eA"],
    ["X-HTTP-Method-Override", "DELETE"],
    ["X-Original-URL", "/api/v1/secrets"],
    ["X-Rewrite-URL", "/api/v1/secrets"],
    ["Upgrade", "h2c"],
    ["Upgrade", "spdy/3.1"],
    ["Upgrade", "websocket, h2c"],
    ["Connection", "Upgrade, Accept"],
    ["Content-Length", "5"],
    ["Transfer-Encoding", "gzip"],
    ["Accept", "x\r\nImpersonate-User: admin"],
    ["Impersonate-User\r\nX", "admin"],
    [" Impersonate-User", "admin"],
    ["Impersonate-User ", "admin"],
  ])("the header %j: %j is refused", (name, value) => {
    expect(() => ask("GET", "/api/v1/pods", [[name, value]])).toThrow(CountersignError);
  });

  test("a change that was asked for as somebody else is opaque, and so is a question about one's own rights; what reads is not", () => {
    const headers = withoutImpersonation([
      ["Impersonate-User", "jane"],
      ["accept", "*/*"],
      ["Impersonate-Group", "ops"],
      ["impersonate-group", "dev"],
    ]);
    expect(headers).toEqual([
      ["accept", "*/*"],
      ["countersign-removed-impersonate-user", "jane"],
      ["countersign-removed-impersonate-group", "ops, dev"],
    ]);
    expect(removedHeaders(headers)).toEqual(["impersonate-user", "impersonate-group"]);
    expect(ask("GET", `${inA}/pods`, headers)).toMatchObject({ readOnly: true, opaque: false });
    for (const [method, path] of [
      ["DELETE", `${inA}/pods/web-0`],
      ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
      ["GET", `${inA}/pods/web-0/exec?command=ls&stdout=1`],
    ] as const) {
      const facts = ask(method, path, headers);
      expect(facts).toMatchObject({ readOnly: false, opaque: true });
      expect(facts.doubts).toContainEqual(expect.stringContaining("(impersonate-group: ops, dev)"));
      const looking = `kubernetes.resource != "x" && kubernetes.subresource != "x" && kubernetes.argv != ["x"]`;
      expect([decide(looking, facts), decide(looking, facts, ", opaque: true")]).toEqual(["deny", "allow"]);
    }
  });

  test("an upgrade of what is no stream is opaque", () => {
    expect(ask("GET", "/api/v1/pods", [["Upgrade", "websocket"]]).opaque).toBe(true);
    expect(ask("GET", "/api/v1/pods?watch=1", [["Upgrade", "websocket"]]).opaque).toBe(false);
    expect(ask("GET", `${inA}/pods/web-0/log?follow=1`, [["Upgrade", "websocket"]]).opaque).toBe(false);
  });

  test("messages show no value of a header", () => {
    expect(() => ask("GET", "/api/v1/pods", [["Authorization", "Bearer hunter2"]])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});

describe("paths that are no resource", () => {
  test.each([
    "/healthz",
    "/livez/ping",
    "/readyz?verbose",
    "/version",
    "/metrics",
    "/openapi/v3/apis/apps/v1?hash=0A",
    "/apis",
    "/api/v1",
    "/",
  ])("%s is a read", (path) => {
    const facts = ask("GET", path);
    expect([facts.readOnly, facts.opaque, facts.path]).toEqual([true, false, path.split("?")[0]]);
    expect(decide("kubernetes.readOnly", facts)).toBe("allow");
  });

  test.each(["/logs/x", "/debug/pprof/heap", "/metricsx", "/healthz/a/b%20c", "/configz", "/openapi/v4", "/apis/a/b/c%2520"])(
    "%s is not",
    (path) => {
      let effect: string;
      try {
        effect = decide("kubernetes.verb == 'get'", ask("GET", path), ", opaque: true");
      } catch (error) {
        effect = error instanceof CountersignError ? "deny" : String(error);
      }
      expect(effect).toBe("deny");
    },
  );
});
