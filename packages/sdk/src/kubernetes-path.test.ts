import { expect, test } from "vitest";
import { kubernetesPath, queryOf, resourceOfKind } from "./kubernetes-path.ts";

test("paths of Kubernetes' own resources, and of others with their version", () => {
  const where = { resource: "deployments", namespace: "shop", name: "web" };
  expect(kubernetesPath(where)).toBe("/apis/apps/v1/namespaces/shop/deployments/web");
  expect(kubernetesPath({ resource: "pods" })).toBe("/api/v1/pods");
  expect(kubernetesPath({ resource: "namespaces", name: "shop" })).toBe("/api/v1/namespaces/shop");
  expect(kubernetesPath({ resource: "widgets", apiVersion: "example.com/v1beta1", namespace: "a" })).toBe(
    "/apis/example.com/v1beta1/namespaces/a/widgets",
  );
  expect(kubernetesPath({ resource: "clusterroles", name: "system:node" })).toBe(
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
  );
});

test.each([
  [{ resource: "pods", name: "" }],
  [{ resource: "pods", namespace: "", name: "a" }],
  [{ resource: "pods", name: ".." }],
  [{ resource: "pods", name: "a/exec" }],
  [{ resource: "pods", name: "a%2f" }],
  [{ resource: "pods", name: "a?watch=true" }],
  [{ resource: "pods", name: "a\r\nb" }],
  [{ resource: "pods/exec", name: "a" }],
  [{ resource: "pods", apiVersion: "a/b/c" }],
  [{ resource: "pods", apiVersion: "../v1" }],
  [{ resource: "widgets", name: "a" }],
])("what is no name is refused before it is sent: %j", (which) => {
  expect(() => kubernetesPath(which)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
});

test("plural names and queries", () => {
  const kinds = ["Pod", "Ingress", "NetworkPolicy", "Endpoints", "StorageClass"];
  expect(kinds.map(resourceOfKind)).toEqual(["pods", "ingresses", "networkpolicies", "endpoints", "storageclasses"]);
  expect(queryOf({ watch: true, follow: false, labelSelector: "a=b,c", limit: undefined, tailLines: 0 })).toBe(
    "?watch=true&labelSelector=a%3Db%2Cc&tailLines=0",
  );
});
