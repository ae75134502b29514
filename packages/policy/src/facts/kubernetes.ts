import type { KubernetesRequest } from "../action.ts";
import type { Protocol } from "./fact.ts";
import { type KubernetesFacts, kubernetesFacts } from "./kubernetes/definition.ts";

/** Classifies a request to a Kubernetes API server. */
export function classifyKubernetes(operation: KubernetesRequest): KubernetesFacts {
  return Object.freeze({ opaque: true, doubts: Object.freeze([`${operation.kind} is not classified`]) });
}

/** Kubernetes to rules. */
export const kubernetes: Protocol<KubernetesFacts> = {
  variable: "kubernetes",
  table: kubernetesFacts,
  summary: () => "a request",
  readOnly: () => false,
};
