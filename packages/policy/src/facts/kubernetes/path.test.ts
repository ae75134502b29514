import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyKubernetes, kubernetes } from "../kubernetes.ts";

function ask(method: string, path: string, type = "application/merge-patch+json") {
  const headers: [string, string][] = method === "PATCH" ? [["Content-Type", type]] : [];
  return classifyKubernetes({ kind: "kubernetes.request", method, path, headers });
}

function refusal(method: string, path: string): string {
  try {
    return `taken: ${kubernetes.summary(ask(method, path))}`;
  } catch (error) {
    return error instanceof CountersignError ? error.code : `untyped: ${error}`;
  }
}

describe("k8s-path: verb and resource", () => {
  test.each([
    ["GET", "/api/v1/pods", "list pods"],
    ["GET", "/api/v1/namespaces/a/pods", "list pods in a"],
    ["GET", "/api/v1/namespaces/a/pods/web-0", "get pods in a"],
    ["HEAD", "/api/v1/namespaces/a/pods/web-0", "get pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=true", "watch pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=1", "watch pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=t", "watch pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch", "watch pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=no", "watch pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=False", "list pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?watch=0", "list pods in a"],
    ["GET", "/api/v1/namespaces/a/pods?Watch=true", "list pods in a"],
    // The object's own path gets it, whatever the query says.
    ["GET", "/api/v1/namespaces/a/pods/web-0?watch=true", "get pods in a"],
    ["GET", "/api/v1/watch/pods", "watch pods"],
    ["GET", "/api/v1/watch/namespaces/a/pods/web-0", "watch pods in a"],
    ["GET", "/apis/apps/v1/watch/deployments?watch=false", "watch deployments.apps"],
    ["POST", "/api/v1/namespaces/a/pods", "create pods in a"],
    ["PUT", "/api/v1/namespaces/a/pods/web-0", "update pods in a"],
    ["PATCH", "/api/v1/namespaces/a/pods/web-0", "patch pods in a"],
    ["DELETE", "/api/v1/namespaces/a/pods/web-0", "delete pods in a"],
    ["DELETE", "/api/v1/namespaces/a/pods", "deletecollection pods in a"],
    ["DELETE", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dweb-0", "deletecollection pods in a"],
    ["DELETE", "/api/v1/nodes", "deletecollection nodes"],
    ["GET", "/api/v1/namespaces", "list namespaces"],
    ["GET", "/api/v1/namespaces/a", "get namespaces in a"],
    ["DELETE", "/api/v1/namespaces/a", "delete namespaces in a"],
    ["PUT", "/api/v1/namespaces/a/finalize", "update namespaces/finalize in a"],
    ["GET", "/api/v1/namespaces/a/status", "get namespaces/status in a"],
    ["GET", "/api/v1/namespaces/status/pods", "list pods in status"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/log", "get pods/log in a"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/exec?command=ls", "get pods/exec in a"],
    ["POST", "/api/v1/namespaces/a/pods/web-0/exec?command=ls", "create pods/exec in a"],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/web/scale", "patch deployments.apps/scale in a"],
    ["GET", "/apis/example.com/v1/widgets", "list widgets.example.com"],
    ["GET", "/api/v1/nodes/node-1", "get nodes"],
    ["GET", "/api/v1/proxy/namespaces/a/pods/web-0/x", "proxy pods in a"],
    ["GET", "/healthz", "get /healthz"],
    ["GET", "/apis/apps/v1", "get /apis/apps/v1"],
    ["GET", "/api/", "get /api/"],
    ["GET", "/", "get /"],
    ["POST", "/metrics", "post /metrics"],
    // Decoded once, like Go's URL.Path.
    ["GET", "/api/v1/namespaces/a/%70ods/web-0/%65xec?command=ls", "get pods/exec in a"],
    ["GET", "/%61pi/v1/%77atch/pods", "watch pods"],
  ])("%s %s is %s", (method, path, expected) => {
    expect(kubernetes.summary(ask(method, path))).toBe(expected);
  });

  test("the name is the path's, or what a list is narrowed to", () => {
    expect(ask("GET", "/api/v1/namespaces/a/pods/web-0").name).toBe("web-0");
    expect(ask("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dweb-0").name).toBe("web-0");
    expect(ask("GET", "/api/v1/pods?watch=1&fieldSelector=status.phase=Running,metadata.name==web-0").name).toBe("web-0");
    expect(ask("GET", "/api/v1/pods?fieldSelector=metadata.name!=web-0").name).toBe("");
    expect(ask("GET", "/api/v1/pods?fieldSelector=metadata.name=a%2Fb").name).toBe("");
    // RBAC does not look at selectors when all are deleted.
    const deletes = ask("DELETE", "/api/v1/pods?fieldSelector=metadata.name%3Dweb-0&labelSelector=app%3Dweb");
    expect([deletes.name, deletes.fieldSelector, deletes.labelSelector]).toEqual(["", "metadata.name=web-0", "app=web"]);
  });

  test("all namespaces are told from one", () => {
    expect(ask("GET", "/api/v1/pods").allNamespaces).toBe(true);
    expect(ask("GET", "/api/v1/nodes/node-1").allNamespaces).toBe(true);
    expect(ask("GET", "/api/v1/namespaces/a/pods").allNamespaces).toBe(false);
    expect(ask("GET", "/healthz").allNamespaces).toBe(false);
  });
});

describe("k8s-path: refused, because it cannot be mapped or has a second reading", () => {
  test.each([
    ["GET", "/api/v1/namespaces/a/pods/web-0%2Fexec"],
    ["GET", "/api/v1/namespaces/a%2Fpods/web-0"],
    ["GET", "/api/v1/namespaces/a/pods/..%2f..%2f..%2fsecrets"],
    ["GET", "/api/v1/namespaces/a/../b/pods"],
    ["GET", "/api/v1/namespaces/a/%2e%2e/b/pods"],
    ["GET", "/api/v1/namespaces/a/./pods"],
    ["GET", "/api/v1//namespaces/a/pods"],
    ["GET", "//api/v1/namespaces/a/pods"],
    ["DELETE", "/api/v1/namespaces/a/pods//"],
    // A missing name turns "delete one" into "delete all".
    ["DELETE", "/api/v1/namespaces/a/pods/"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%00"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%2500"],
    ["GET", "/api/v1/namespaces/a/pods/%252e%252e"],
    ["GET", "/api/v1/namespaces/a/pods/100%25"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%0d%0aX:1"],
    ["GET", "/api/v1/namespaces/a/pods/web-0;x=1"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%3Bx"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%3Fwatch=1"],
    ["GET", "/api/v1/namespaces/a/pods/web-0%23"],
    ["GET", "/api/v1/namespaces/a/pods\\web-0"],
    ["GET", "/api/v1/namespaces/a/pods%5Cweb-0"],
    ["GET", "/api/v1/namespaces/a/pods/%"],
    ["GET", "/api/v1/namespaces/a/pods/%zz"],
    ["GET", "/api/v1/namespaces/a/pods/%ff"],
    ["GET", "/api/v1/namespaces/a/pods/%c0%ae%c0%ae"],
    ["GET", "/api/v1/namespaces/a/pods/é"],
    ["GET", "/api/v1/namespaces/a/pods/a b"],
    ["GET", "/api/v1/pods#fragment"],
    ["GET", "https://elsewhere/api/v1/pods"],
    ["GET", "api/v1/pods"],
    ["GET", ""],
    ["GET", "*"],
    ["get", "/api/v1/pods"],
    ["CONNECT", "/api/v1/namespaces/a/pods/web-0/exec?command=ls"],
    ["OPTIONS", "/api/v1/pods"],
    ["TRACE", "/api/v1/pods"],
    ["PROPFIND", "/api/v1/pods"],
    ["GET ", "/api/v1/pods"],
    ["toString", "/api/v1/pods"],
    ["GET", "/api/v1/watch"],
    ["GET", "/apis/apps/v1/watch"],
    // RBAC would be asked for "watch", not for "delete".
    ["DELETE", "/api/v1/watch/namespaces/a/pods/web-0"],
    ["POST", "/api/v1/watch/pods"],
    ["GET", "/api/v1/watch/namespaces/a/pods/web-0/exec"],
    ["PUT", "/api/v1/namespaces/a/pods/web-0/exec?command=ls"],
    ["DELETE", "/api/v1/namespaces/a/pods/web-0/portforward"],
    ["GET", "/api/v1/pods?watch=0&watch=1"],
    ["GET", "/api/v1/pods?watch=1&watch=1"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Da&fieldSelector=x"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Da,metadata.name%3Db"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Da%5Cb"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Da%3Db"],
    ["GET", "/api/v1/pods?limit=1;watch=1"],
    ["GET", "/api/v1/pods?limit=ten"],
    ["GET", "/api/v1/pods?limit=1%00"],
    ["GET", "/api/v1/pods?watch=%66al%C5%BFe"],
    ["GET", "/api/v1/pods?limit=%"],
    ["POST", "/api/v1/namespaces/a/pods?_method=DELETE"],
    ["POST", "/api/v1/namespaces/a/pods?dryRun=all"],
    ["POST", "/api/v1/namespaces/a/pods?dryRun="],
    ["POST", "/api/v1/namespaces/a/pods?dryRun=All&dryRun=All"],
  ])("%s %j", (method, path) => {
    expect(refusal(method, path)).toBe("invalid_operation");
  });

  test("what is too long is refused as such", () => {
    expect(refusal("GET", `/api/v1/namespaces/a/pods/${"a".repeat(20_000)}`)).toBe("operation_too_large");
    expect(refusal("GET", `/api/v1/pods?${"a=1&".repeat(600)}`)).toBe("operation_too_large");
  });
});

describe("k8s-path: opaque, because it is mapped but not known", () => {
  test.each([
    ["GET", "/logs/kube-apiserver.log"],
    ["GET", "/debug/pprof/profile"],
    ["PUT", "/debug/flags/v"],
    ["POST", "/healthz"],
    ["GET", "/apis/~/x"],
    ["GET", "/API/v1/pods"],
    ["GET", "/api/v1/namespaces/a/Pods"],
    ["GET", "/api/v1/namespaces/A/pods"],
    ["GET", "/api/v1/namespaces/a/pods/web%E2%80%8B-0"],
    ["GET", "/apis/example.com/v1/widgets/w/console"],
    ["GET", "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/vm/portforward/22"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/log/extra"],
    ["GET", "/api/v1/namespaces/a/pods/web-0/LOG"],
    ["GET", "/apis/example.com/v1/namespaces/a/pods/web-0/exec?command=ls"],
  ])("%s %s", (method, path) => {
    const facts = ask(method, path);
    expect(facts.opaque).toBe(true);
    expect(facts.readOnly).toBe(false);
    expect(facts.doubts.length).toBeGreaterThan(0);
  });
});
