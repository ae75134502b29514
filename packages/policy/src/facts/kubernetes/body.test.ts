import { describe, expect, test } from "vitest";
import type { Body } from "../../action.ts";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyKubernetes, kubernetes } from "../kubernetes.ts";

const json = "application/json";
const deployments = "/apis/apps/v1/namespaces/a/deployments";
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "a" },
  spec: { replicas: 2 },
};

function send(method: string, path: string, type: string | undefined, body: Body | string | object) {
  const sent: Body =
    typeof body === "string"
      ? { text: body }
      : "binary" in body
        ? { binary: String(body.binary) }
        : { text: JSON.stringify(body) };
  const headers: [string, string][] = type === undefined ? [] : [["Content-Type", type]];
  return classifyKubernetes({ kind: "kubernetes.request", method, path, headers, body: sent });
}

function refusal(...request: Parameters<typeof send>): string {
  try {
    const facts = send(...request);
    return facts.opaque ? `opaque: ${facts.doubts.join("; ")}` : "taken";
  } catch (error) {
    return error instanceof CountersignError ? `${error.code}: ${error.message}` : `untyped: ${error}`;
  }
}

describe("bodies", () => {
  test.each([
    ["POST", deployments, json, ""],
    ["POST", deployments, `${json}; charset=utf-8`, ""],
    ["PUT", `${deployments}/web`, json, ""],
    ["PATCH", `${deployments}/web`, "application/merge-patch+json", "merge"],
    ["PATCH", `${deployments}/web`, "application/strategic-merge-patch+json", "strategic"],
    ["PATCH", `${deployments}/web?fieldManager=x&force=true`, "application/apply-patch+yaml", "apply"],
    ["POST", deployments, "application/yaml", ""],
  ])("%s %s as %s is read", (method, path, type, patchType) => {
    const facts = send(method, path, type, deployment);
    expect(facts.body).toEqual(deployment);
    expect(facts.patchType).toBe(patchType);
    expect(facts.opaque).toBe(false);
  });

  test("without one it is null", () => {
    const facts = classifyKubernetes({ kind: "kubernetes.request", method: "GET", path: deployments, headers: [] });
    expect([facts.body, facts.patchType]).toEqual([null, ""]);
    expect(send("DELETE", `${deployments}/web`, json, "").body).toBe(null);
  });

  test.each([
    ["protobuf", "application/vnd.kubernetes.protobuf", { binary: Buffer.from("k8s\0\n").toString("base64url") }],
    ["CBOR", "application/cbor", { binary: "2dn3oA" }],
    ["no type", undefined, deployment],
    ["a form", "application/x-www-form-urlencoded", "a=b"],
    ["text", "text/plain", "x"],
    ["two charsets", `${json}; charset=utf-8; charset=utf-7`, deployment],
    ["UTF-7", `${json}; charset=utf-7`, deployment],
    ["not UTF-8", json, { binary: Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url") }],
    ["UTF-16", json, { binary: Buffer.from('{"a":1}', "utf16le").toString("base64url") }],
    ["a byte order mark", json, '\ufeff{"spec":{}}'],
    ["trailing data", json, '{"spec":{}} {"spec":{"replicas":9}}'],
    ["a comment", json, '{"spec":{}} // x'],
    ["no JSON", json, "{spec: {}}"],
    ["a member twice", json, '{"spec":{"replicas":1},"spec":{"replicas":9}}'],
    ["a member twice, escaped", json, '{"spec":{"replicas":1},"\\u0073pec":{"replicas":9}}'],
    ["members that differ in case", json, '{"spec":{"replicas":1},"Spec":{"replicas":9}}'],
    ["members that look alike", json, '{"spec":1,"ſpec":2}'],
    ["a number too large", json, '{"spec":{"replicas":9007199254740993}}'],
    ["a number too long", json, '{"spec":{"replicas":1.00000000000000000001}}'],
    ["an infinite number", json, '{"spec":{"replicas":1e999}}'],
    ["a polluting name", json, '{"__proto__":{"spec":1}}'],
    ["a deep one", json, `{"a":${"[".repeat(100)}${"]".repeat(100)}}`],
    ["a long list", json, `{"a":[${"1,".repeat(600)}1]}`],
    ["more than 256 KiB", json, `{"a":"${"x".repeat(300_000)}"}`],
    ["another kind", json, { ...deployment, kind: "ClusterRoleBinding" }],
  ] as const)("%s is opaque or refused", (_, type, body) => {
    expect(refusal("POST", deployments, type, body)).toMatch(/^(?:opaque|invalid_operation): ./);
  });

  test.each([
    ["another name", "PUT", `${deployments}/web`, { ...deployment, metadata: { name: "other" } }],
    ["another namespace", "POST", deployments, { ...deployment, metadata: { namespace: "b" } }],
    ["a namespace in all of them", "POST", "/apis/apps/v1/deployments", deployment],
    ["another version", "POST", deployments, { ...deployment, apiVersion: "apps/v1beta1" }],
    ["another group", "POST", deployments, { ...deployment, apiVersion: "v1" }],
    ["a list", "POST", deployments, { apiVersion: "apps/v1", kind: "DeploymentList", items: [deployment] }],
    ["a List", "POST", deployments, { apiVersion: "apps/v1", kind: "List", items: [] }],
    ["an array", "POST", deployments, [deployment]],
    ["text", "POST", deployments, '"x"'],
    ["metadata that is none", "POST", deployments, { ...deployment, metadata: [] }],
    ["a name that is none", "PUT", `${deployments}/web`, { ...deployment, metadata: { name: ["web"] } }],
    ["another pod's eviction", "POST", "/api/v1/namespaces/a/pods/web/eviction", { kind: "Eviction", metadata: { name: "db" } }],
    ["no options of a delete", "DELETE", `${deployments}/web`, deployment],
    ["a body where none belongs", "GET", deployments, deployment],
    ["a body of exec", "POST", "/api/v1/namespaces/a/pods/web/exec?command=ls", { command: ["rm"] }],
    ["a body of a health check", "GET", "/healthz", { a: 1 }],
  ])("%s is refused", (_, method, path, body) => {
    expect(refusal(method, path, json, body)).toMatch(/^invalid_operation: /);
  });

  test("bytes that are not canonical base64url, and what is far too large, are refused", () => {
    expect(refusal("POST", deployments, json, { binary: "e30=" })).toMatch(/^invalid_operation/);
    expect(refusal("POST", deployments, json, `{"a":"${"x".repeat(5_000_000)}"}`)).toMatch(/^operation_too_large/);
  });
});

describe("patches", () => {
  const path = `${deployments}/web`;

  test.each([undefined, json, "text/plain", "Application/merge-patch+json", "application/json-patch+json "])(
    "of the type %j are refused",
    (type) => {
      // Trailing white space is not part of a header's value.
      if (type?.endsWith(" ")) expect(refusal("PATCH", path, type, [])).toBe("taken");
      else expect(refusal("PATCH", path, type, {})).toMatch(/^invalid_operation: The Content-Type of a patch/);
    },
  );

  test("a JSON patch is not what rules on objects see: an allow rule must look at the type", () => {
    const facts = send("PATCH", path, "application/json-patch+json", [
      { op: "add", path: "/spec/template/spec/hostNetwork", value: true },
    ]);
    expect(facts.patchType).toBe("json");
    expect(kubernetes.mustName?.(facts)).toEqual(["patchType"]);
    const decide = (when: string): string =>
      loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: r, effect: allow, when: ${JSON.stringify(when)} }]` }).decide({
        resource: { name: "cluster", type: "kubernetes", labels: {}, roles: ["agent"] },
        principal: { issuer: "i", subject: "s", groups: [], claims: {} },
        facts: { protocol: "kubernetes", kubernetes: facts },
        reason: "",
        nowMs: 0,
      }).effect;
    expect(decide('kubernetes.verb == "patch" && !has(kubernetes.body.spec.template)')).toBe("deny");
    expect(decide('kubernetes.patchType == "json" && kubernetes.body.all(change, change.path == "/spec/replicas")')).toBe("deny");
    expect(decide('kubernetes.patchType == "json" && kubernetes.body.all(change, change.path.startsWith("/spec/"))')).toBe(
      "allow",
    );
    expect(refusal("PATCH", path, "application/json-patch+json", {})).toMatch(/^invalid_operation/);
  });

  test.each([
    '{"$patch":"replace","spec":{}}',
    '{"spec":{"$retainKeys":["x"]}}',
    '{"spec":{"a":[{"$patch":"delete","name":"x"}]}}',
    '{"$deleteFromPrimitiveList/finalizers":["x"]}',
  ])("a strategic patch with a directive is opaque: %s", (text) => {
    expect(refusal("PATCH", path, "application/strategic-merge-patch+json", text)).toMatch(/^opaque: the patch has directives/);
    expect(refusal("PATCH", path, "application/merge-patch+json", text)).toBe("taken");
  });

  test("the order of a list, which kubectl apply sends, is none", () => {
    expect(
      refusal("PATCH", path, "application/strategic-merge-patch+json", { "$setElementOrder/containers": [{ name: "a" }] }),
    ).toBe("taken");
  });
});

describe("dry runs", () => {
  const path = `${deployments}/web`;

  test("are told from real ones", () => {
    expect(send("POST", `${deployments}?dryRun=All`, json, deployment).dryRun).toBe(true);
    expect(send("POST", deployments, json, deployment).dryRun).toBe(false);
    expect(send("DELETE", `${path}?dryRun=All`, json, "").dryRun).toBe(true);
    expect(send("DELETE", path, json, { kind: "DeleteOptions", dryRun: ["All"] }).dryRun).toBe(true);
    expect(send("DELETE", path, json, { kind: "DeleteOptions" }).dryRun).toBe(false);
    expect(send("DELETE", path, json, { DryRun: ["All"] }).dryRun).toBe(false);
  });

  test("a delete with a body does not look at the query: refused", () => {
    expect(refusal("DELETE", `${path}?dryRun=All`, json, {})).toMatch(/^invalid_operation: DryRun is in the query/);
    expect(refusal("DELETE", `${deployments}?dryRun=All`, json, { gracePeriodSeconds: 0 })).toMatch(/^invalid_operation/);
    expect(refusal("DELETE", `${path}?dryRun=All`, "application/vnd.kubernetes.protobuf", "k8s")).toMatch(/^invalid_operation/);
    expect(refusal("DELETE", path, json, { dryRun: ["None"] })).toMatch(/^invalid_operation/);
    expect(refusal("DELETE", path, json, { dryRun: "All" })).toMatch(/^invalid_operation/);
  });

  test("what does not keep to it is none", () => {
    const exec = "/api/v1/namespaces/a/pods/web/exec?command=ls";
    expect(refusal("POST", `${exec}&dryRun=All`, undefined, "")).toMatch(/^invalid_operation/);
    expect(send("POST", "/api/v1/namespaces/a/pods/web/eviction?dryRun=All", json, {}).dryRun).toBe(false);
    expect(send("POST", "/api/v1/namespaces/a/serviceaccounts/web/token?dryRun=All", json, {}).dryRun).toBe(false);
    const read = classifyKubernetes({ kind: "kubernetes.request", method: "GET", path: `${path}?dryRun=All`, headers: [] });
    expect(read.dryRun).toBe(false);
  });
});
