import { classify, type KubernetesFacts } from "@countersign/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routeOf } from "../harness/kubernetes/asked.ts";
import { KubernetesConnectors, kubernetesRequest as request } from "../harness/kubernetes/kubernetes-connectors.ts";
import { Random } from "../harness/random.ts";

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

test("k8s-path: random paths are what the API server computes, or refused", () => {
  const words =
    `api apis v1 apps watch proxy namespaces pods status finalize log exec scale shop web-0 . .. %2e%2e %2F %70ods a%2fb %25 %00
    a;b \\ é %C3%A9`.split(/\s+/);
  const roots = ["", "/api/v1", "/apis/apps/v1", "/api/v1/namespaces/shop", "/api/v1/watch", "/api/v1/namespaces/shop/pods"];
  const queries = [
    "",
    "",
    "?",
    "?watch=true",
    "?watch=1",
    "?watch=false&watch=true",
    "?fieldSelector=metadata.name%3Dx",
    "?dryRun=All",
  ];
  const seed = Date.now() % 2 ** 31;
  const random = new Random(seed);
  let mapped = 0;
  for (let count = 0; count < 3000; count++) {
    const parts = Array.from({ length: random.below(4) }, () => random.of([...words, ""]) ?? "");
    const path = `${random.of(roots)}/${parts.join("/")}${random.of(queries)}`;
    const method = random.of(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) ?? "";
    const facts = mappedTo(method, path);
    // Legacy proxies, which API servers no longer have, are opaque and a verb of their own.
    if (facts === undefined || facts.verb === "proxy") continue;
    const seen = routeOf(method, path).attributes;
    const told = `${method} ${path} (seed ${seed})`;
    expect([told, facts.resource, facts.subresource]).toEqual([told, seen?.resource ?? "", seen?.subresource ?? ""]);
    if (seen === undefined) continue;
    mapped++;
    expect([told, facts.verb, facts.group]).toEqual([told, seen.verb, seen.group]);
    // A selector of one name is the name that RBAC is asked about.
    if (seen.name !== "") expect([told, facts.name]).toEqual([told, seen.name]);
    if (facts.resource !== "namespaces") expect([told, facts.namespace]).toEqual([told, seen.namespace]);
  }
  expect(mapped).toBeGreaterThan(100);
});

/** Undefined where it is refused. */
function mappedTo(method: string, path: string): KubernetesFacts | undefined {
  try {
    const facts = classify(request(path, { method }), { searchPath: [] });
    return facts.protocol === "kubernetes" ? facts.kubernetes : undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_operation" });
    return undefined;
  }
}
