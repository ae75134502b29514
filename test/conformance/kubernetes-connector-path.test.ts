import { classify } from "@countersign/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KubernetesConnectors, kubernetesRequest as request } from "../harness/kubernetes/kubernetes-connectors.ts";

let world: KubernetesConnectors;

beforeAll(async () => {
  world = await KubernetesConnectors.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const core = [
  "/api/v1",
  "/apis/apps/v1",
  "/apis/rbac.authorization.k8s.io/v1",
  "/apis/example.com/v1beta1",
  "/api/v1/watch",
  "/apis/apps/v1/watch",
];
const rests = [
  ...[
    "pods",
    "deployments",
    "namespaces",
    "namespaces/shop",
    "namespaces/shop/status",
    "namespaces/shop/finalize",
    "nodes/n1/proxy/x/y",
  ],
  ...[
    "namespaces/shop/pods",
    "namespaces/shop/pods/web-0",
    "namespaces/shop/pods/web-0/log",
    "namespaces/shop/pods/web-0/exec?command=ls",
  ],
  ...[
    "namespaces/shop/pods?watch=true",
    "namespaces/shop/pods?watch=1",
    "namespaces/shop/pods?watch=0",
    "namespaces/shop/p%6fds/web-0",
  ],
  ...[
    "namespaces/shop/deployments/web/scale",
    "namespaces/shop/serviceaccounts/a/token",
    "namespaces/shop/secrets/a%2fb",
    "namespaces/shop/",
  ],
  ...["namespaces//pods", "namespaces/shop/../kube-system/pods", "namespaces/shop/pods/web-0/", "namespaces/%73hop/pods/web%2d0"],
];
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"];

test("k8s-path: what was classified is what the API server computes, over every path form and method: the same, or refused and never sent", async () => {
  let sent = 0;
  let refused = 0;
  for (const root of core)
    for (const rest of rests)
      for (const method of methods) {
        const operation = request(`${root}/${rest}`, { method });
        world.api.asked.length = 0;
        try {
          const facts = classify(operation, { searchPath: [] });
          if (facts.protocol !== "kubernetes") throw new Error("other facts");
          const { verb, group, resource, subresource, name, namespace } = facts.kubernetes;
          if (["exec", "attach", "portforward"].includes(subresource) || verb === "watch") continue;
          await world.run(operation, { readOnly: true });
          const seen = world.api.last.attributes;
          // RBAC is asked about a namespace with its own name as namespace; this stand-in leaves that out.
          const own = resource === "namespaces" ? "" : namespace;
          expect([operation.method, operation.path, seen]).toEqual([
            method,
            operation.path,
            { verb, group, resource, subresource, name, namespace: own },
          ]);
          sent++;
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_operation" });
          expect(world.api.asked).toEqual([]);
          refused++;
        }
      }
  expect([sent, refused].every((count) => count > 100)).toBe(true);
});
