import { classify, type KubernetesRequest } from "@countersign/policy";
import { expect, test } from "vitest";
import { fingerprintOf } from "./likeness.ts";

function of(method: string, path: string, text?: string): string | undefined {
  const headers = [["content-type", "application/merge-patch+json"]] as const;
  const operation: KubernetesRequest = { kind: "kubernetes.request", method, path, headers, ...(text && { body: { text } }) };
  return fingerprintOf(JSON.parse(JSON.stringify(classify(operation, { searchPath: [] }))));
}

test("changes of one object of a cluster are alike, whatever they change; those of another, and other deeds, are not", () => {
  const web = "/apis/apps/v1/namespaces/shop/deployments/web";
  const patch = of("PATCH", web, '{"spec":{"replicas":1}}');
  expect(patch).toBe(of("PATCH", `${web}?fieldManager=x`, '{"spec":{"replicas":9}}'));
  const others = [
    of("DELETE", web),
    of("PATCH", `${web}/scale`, "{}"),
    of("PATCH", web.replace("web", "api"), "{}"),
    of("PATCH", web.replace("shop", "prod"), "{}"),
  ];
  expect(new Set([patch, ...others]).size).toBe(5);
  const exec = "/api/v1/namespaces/shop/pods/a/exec?command=";
  expect(of("GET", `${exec}ls`)).not.toBe(of("GET", `${exec}rm`));
});

test("what has no fingerprint is like nothing", () => {
  expect(fingerprintOf({ protocol: "http", http: { method: "GET" } })).toBeUndefined();
  expect(fingerprintOf({ protocol: "postgres", sql: { fingerprint: "" } })).toBeUndefined();
});
