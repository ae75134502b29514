import { CountersignError, classify, type Json, type KubernetesFacts, type KubernetesRequest } from "@countersign/policy";
import { isFields } from "./field-difference.ts";

/**
 * API groups that kube-apiserver serves itself, and keeps to `dryRun` in ("Kubernetes API Concepts", dry-run). What is behind an aggregator may do what
 * it is only to try; in `authentication` and `authorization` nothing is stored anyway, and a token comes of it.
 */
const ownGroups: ReadonlySet<string> = new Set([
  ...["", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io"],
  ...["scheduling.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "node.k8s.io", "events.k8s.io", "resource.k8s.io"],
  ...["apiextensions.k8s.io", "admissionregistration.k8s.io", "flowcontrol.apiserver.k8s.io", "certificates.k8s.io"],
]);
const otherGroups: ReadonlySet<string> = new Set(["authentication.k8s.io", "authorization.k8s.io", "apiregistration.k8s.io"]);

const verbs: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);
const subresources: ReadonlySet<string> = new Set(["", "status", "scale"]);
const notObjects: ReadonlySet<string> = new Set(["bindings", "componentstatuses"]);

/** Whether there may be a dry run: `ask`, where the group's own API server has to be known first. */
export function mayDryRun({ verb, group, resource, subresource }: KubernetesFacts): "yes" | "ask" | "no" {
  if (!verbs.has(verb) || !subresources.has(subresource) || otherGroups.has(group) || resource === "") return "no";
  if (group === "" && notObjects.has(resource)) return "no";
  return ownGroups.has(group) ? "yes" : "ask";
}

/**
 * The same request, of which nothing is stored. Undefined when it cannot be made so: nothing that classification itself does not take for a dry run of
 * the same thing is ever sent before somebody has agreed.
 */
export function dryRunOf(request: KubernetesRequest, facts: KubernetesFacts): KubernetesRequest | undefined {
  const { method, path, headers, body } = request;
  const type = headers.filter(([name]) => name.toLowerCase() === "content-type");
  const accept = ["accept", "application/json"] as const;
  const same = { kind: "kubernetes.request", method, path: withDryRun(path), headers: [accept, ...type] } as const;
  let made: KubernetesRequest = { ...same, ...(body !== undefined && { body }) };
  if (facts.verb === "delete" && body !== undefined) {
    // Of a delete that has a body, the API server does not look at the query.
    if (!isFields(facts.body)) return undefined;
    const options: Json = { ...facts.body, dryRun: ["All"] };
    made = { ...same, headers: [accept, ["content-type", "application/json"]], body: { text: JSON.stringify(options) } };
  }
  return isDryRun(made, facts) ? made : undefined;
}

function isDryRun(made: KubernetesRequest, facts: KubernetesFacts): boolean {
  try {
    const found = classify(made, { searchPath: [] });
    if (found.protocol !== "kubernetes" || !found.kubernetes.dryRun) return false;
    const names = ["verb", "group", "version", "resource", "subresource", "namespace", "name", "patchType"] as const;
    return names.every((name) => found.kubernetes[name] === facts[name]);
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

/** The path with `dryRun=All` in its query, once, and without what only the client that sent it needs. */
function withDryRun(path: string): string {
  const [before = "", query = ""] = [path.split("?", 1)[0], path.slice(path.indexOf("?") + 1)];
  const pairs = path.includes("?") ? query.split("&").filter((pair) => pair !== "" && !dropped.has(nameOf(pair))) : [];
  return `${before}?${[...pairs, "dryRun=All"].join("&")}`;
}

const dropped: ReadonlySet<string> = new Set(["dryRun", "pretty", "timeout"]);

function nameOf(pair: string): string {
  try {
    return decodeURIComponent((pair.split("=", 1)[0] ?? "").replaceAll("+", " "));
  } catch {
    return pair;
  }
}
