import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Body } from "../../action.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyKubernetes } from "../kubernetes.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const policy = loadPolicy({ "README.md": readme.split("```yaml\n")[1]?.split("```")[0] ?? "" });

function decide(method: string, path: string, body?: Body): string {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const request = { kind: "kubernetes.request", method, path, headers: [["Content-Type", type]] } as const;
  const facts = classifyKubernetes({ ...request, ...(body ? { body } : {}) });
  const decision = policy.decide({
    resource: { name: "cluster", type: "kubernetes", labels: {}, roles: ["agent"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts: { protocol: "kubernetes", kubernetes: facts },
    reason: "",
    nowMs: 0,
  });
  return `${decision.effect} ${decision.rules.join()}`;
}

const inShop = "/api/v1/namespaces/shop";
const scale = "/apis/apps/v1/namespaces/shop/deployments/web/scale";

test.each([
  ["GET", `${inShop}/pods`, undefined, "allow reads"],
  ["GET", `${inShop}/pods/web-0/log`, undefined, "allow reads"],
  ["GET", "/version", undefined, "allow reads"],
  ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { text: "{}" }, "allow reads"],
  ["POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { text: "{}" }, "review changes"],
  ["GET", `${inShop}/secrets`, undefined, "deny "],
  ["PATCH", scale, { text: '{"spec":{"replicas":3}}' }, "allow small-scale"],
  ["PATCH", scale, { text: '{"spec":{"replicas":9}}' }, "deny "],
  ["PATCH", scale, { text: '{"metadata":{}}' }, "deny "],
  ["PATCH", scale, { text: '{"spec":null}' }, "deny "],
  ["PATCH", scale, undefined, "deny "],
  ["PATCH", scale.replace("shop", "prod"), { text: '{"spec":{"replicas":3}}' }, "deny "],
  ["GET", `${inShop}/pods/web-0/exec?command=df&command=-h`, undefined, "allow look-around"],
  ["GET", `${inShop}/pods/web-0/exec?command=df&command=-h&command=x`, undefined, "deny "],
  ["GET", `${inShop}/pods/web-0/exec?command=sh`, undefined, "deny "],
  ["DELETE", `${inShop}/pods/web-0`, undefined, "review changes"],
  ["DELETE", `${inShop}/pods`, undefined, "deny never"],
  ["DELETE", inShop, undefined, "deny never"],
])("the rules of the README: %s %s is %s", (method, path, body, expected) => {
  expect(decide(method, path, body)).toBe(expected);
});

test("the README names tests and files that are there", () => {
  const named = [...readme.matchAll(/`([\w.-]+\.ts)`/g)].flatMap(([, name]) => name ?? []);
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !existsSync(new URL(name, import.meta.url)))).toEqual([]);
});
