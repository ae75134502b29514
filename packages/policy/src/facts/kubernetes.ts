import { LRUCache } from "lru-cache";
import type { KubernetesRequest } from "../action.ts";
import type { Protocol } from "./fact.ts";
import { classifyRequest } from "./kubernetes/classify.ts";
import { type KubernetesFacts, kubernetesFacts } from "./kubernetes/definition.ts";
import { handsOutPower } from "./kubernetes/powers.ts";

/** Seen requests; at most some 32 MB of text. */
const seen = new LRUCache<string, KubernetesFacts>({
  max: 10_000,
  maxSize: 32 * 1024 * 1024,
  // The body is held as text in the key and as a value in the facts.
  sizeCalculation: (_, key) => 8 * key.length + 1000,
});

const maxSeenBody = 64 * 1024;

/**
 * Classifies a request to a Kubernetes API server, from its bytes alone.
 *
 * @throws {CountersignError} `operation_too_large`; `invalid_operation` for what cannot be mapped to what RBAC knows, or in two ways.
 */
export function classifyKubernetes(operation: KubernetesRequest): KubernetesFacts {
  const { method, path, headers, body } = operation;
  // Making the key would take as long as reading such a body.
  if (body !== undefined && ("text" in body ? body.text : body.binary).length > maxSeenBody) return classifyRequest(operation);
  const key = JSON.stringify([method, path, headers, body ?? null]);
  let facts = seen.get(key);
  if (!facts) {
    facts = classifyRequest(operation);
    seen.set(key, facts);
  }
  return facts;
}

/** Kubernetes to rules. */
export const kubernetes: Protocol<KubernetesFacts> = {
  variable: "kubernetes",
  table: kubernetesFacts,
  summary,
  readOnly: ({ readOnly, opaque }) => readOnly && !opaque,
  mustName,
};

/** `get pods/log in default`, `list secrets in all namespaces`, `get /healthz`. */
function summary({ verb, group, resource, subresource, namespace, allNamespaces, path }: KubernetesFacts): string {
  if (resource === "") return `${verb} ${path}`;
  const what = `${resource}${group === "" ? "" : `.${group}`}${subresource === "" ? "" : `/${subresource}`}`;
  return `${verb} ${what}${allNamespaces ? "" : ` in ${namespace}`}`;
}

/** What an `allow` rule must mean: a rule about pods is not one about tunnels into them, nor a rule about a namespace one about its secrets. */
function mustName({ group, resource, subresource, verb, patchType, readOnly }: KubernetesFacts): readonly string[] {
  if (resource === "") return readOnly ? [] : ["path"];
  const reads = verb === "get" || verb === "list" || verb === "watch";
  const names: string[] = [];
  if (verb === "proxy") names.push("verb");
  if (subresource !== "") names.push("subresource");
  if (subresource === "exec") names.push("argv");
  if (patchType === "json") names.push("patchType");
  if (handsOutPower(group, resource, !reads && !readOnly)) names.push("resource");
  return names;
}
