import { classify, type KubernetesFacts, type KubernetesRequest } from "@countersign/policy";
import { expect, test } from "vitest";
import { dryRunOf, mayDryRun } from "./dry-run-request.ts";

const web = "/apis/apps/v1/namespaces/shop/deployments/web";
const merge = [["Content-Type", "application/merge-patch+json"]] as const;

function request(method: string, path: string, more: Partial<KubernetesRequest> = {}): KubernetesRequest {
  return { kind: "kubernetes.request", method, path, headers: [], ...more };
}

function factsOf(operation: KubernetesRequest): KubernetesFacts {
  const facts = classify(operation, { searchPath: [] });
  if (facts.protocol !== "kubernetes") throw new Error("other facts");
  return facts.kubernetes;
}

const tried = (operation: KubernetesRequest) => dryRunOf(operation, factsOf(operation));

test.each([
  [web, `${web}?dryRun=All`],
  [`${web}?`, `${web}?dryRun=All`],
  [`${web}?fieldManager=a%26b&force=true&timeout=5s&pretty=1`, `${web}?fieldManager=a%26b&force=true&dryRun=All`],
  [`${web}?dryRun=All`, `${web}?dryRun=All`],
  [`${web}?dry%52un=All`, `${web}?dryRun=All`],
])("a patch of %s is tried as %s, with nothing of the client's but the body and its type", (path, expected) => {
  const headers = [...merge, ["X-Other", "1"], ["User-Agent", "kubectl"]] as const;
  const made = tried(request("PATCH", path, { headers, body: { text: "{}" } }));
  expect(made?.path).toBe(expected);
  expect(made?.headers).toEqual([["accept", "application/json"], ...merge]);
  expect(made && factsOf(made).dryRun).toBe(true);
});

test("of a delete with a body it stands in the body, whatever else is in it", () => {
  const options = { kind: "DeleteOptions", apiVersion: "v1", dryRun: [], gracePeriodSeconds: 0, preconditions: { uid: "u" } };
  const made = tried(
    request("DELETE", web, { headers: [["Content-Type", "application/json"]], body: { text: JSON.stringify(options) } }),
  );
  expect(JSON.parse(made?.body && "text" in made.body ? made.body.text : "")).toEqual({ ...options, dryRun: ["All"] });
  expect(tried(request("DELETE", web))?.path).toBe(`${web}?dryRun=All`);
});

test.each([
  ["protobuf", "application/vnd.kubernetes.protobuf", "k8s"],
  ["no JSON", "application/json", "{"],
  ["members that come twice, of which servers take the first or the last", "application/json", '{"dryRun":[],"dryRun":["All"]}'],
])("a delete whose body is %s is never sent without that body's options", (_, type, text) => {
  const made = tried(request("DELETE", web, { headers: [["Content-Type", type]], body: { text } }));
  const sent = made?.body && "text" in made.body ? made.body.text : undefined;
  expect(sent === undefined ? made : JSON.parse(sent).dryRun).toEqual(sent === undefined ? undefined : ["All"]);
});

test("what keeps to a dry run in a way of its own, or not at all, is not tried", () => {
  const may = (method: string, path: string) => mayDryRun(factsOf(request(method, path)));
  expect(may("DELETE", web)).toBe("yes");
  expect(may("DELETE", "/apis/example.com/v1/namespaces/shop/things/a")).toBe("ask");
  for (const path of [
    "/api/v1/namespaces/shop/pods/a/eviction",
    "/api/v1/namespaces/shop/pods/a/binding",
    "/api/v1/namespaces/shop/serviceaccounts/a/token",
    "/api/v1/namespaces/shop/bindings",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/apis/apiregistration.k8s.io/v1/apiservices",
  ])
    expect(may("POST", path), path).toBe("no");
  expect(may("GET", web)).toBe("no");
});
