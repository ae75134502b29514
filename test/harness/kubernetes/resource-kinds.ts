/** One resource that the server has. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
}

/** What is below an object in paths. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Of its kind, where it is not that of the resource. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

const status = (kind: string): Subresource => ({ name: "status", kind, verbs: ["get", "patch", "update"] });
const scale: Subresource = {
  ...{ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get", "patch", "update"] },
};
const stream = (name: string, kind: string): Subresource => ({ name, kind, verbs: ["create", "get"] });

function row(group: string, resource: string, kind: string, more: Partial<ResourceKind> = {}): ResourceKind {
  const plain = { version: "v1", namespaced: true, shortNames: [], categories: [], subresources: [] };
  return { ...plain, group, resource, kind, ...more };
}

const clusterWide = { namespaced: false };
const rbac = "rbac.authorization.k8s.io";

/** Every resource with objects. */
export const resourceKinds: readonly ResourceKind[] = [
  row("", "namespaces", "Namespace", { ...clusterWide, shortNames: ["ns"], subresources: [status("Namespace")] }),
  row("", "pods", "Pod", {
    ...{ shortNames: ["po"], categories: ["all"] },
    subresources: [
      ...[status("Pod"), { name: "log", kind: "Pod", verbs: ["get"] }, stream("exec", "PodExecOptions")],
      ...[stream("attach", "PodAttachOptions"), stream("portforward", "PodPortForwardOptions")],
      { name: "ephemeralcontainers", kind: "Pod", verbs: ["get", "patch", "update"] },
      { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    ],
  }),
  row("", "configmaps", "ConfigMap", { shortNames: ["cm"] }),
  row("", "secrets", "Secret"),
  row("", "services", "Service", { shortNames: ["svc"], categories: ["all"] }),
  row("", "events", "Event", { shortNames: ["ev"] }),
  row("", "serviceaccounts", "ServiceAccount", {
    shortNames: ["sa"],
    subresources: [{ name: "token", kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] }],
  }),
  row("apps", "deployments", "Deployment", {
    ...{ shortNames: ["deploy"], categories: ["all"], subresources: [status("Deployment"), scale] },
  }),
  row("apps", "replicasets", "ReplicaSet", {
    ...{ shortNames: ["rs"], categories: ["all"], subresources: [status("ReplicaSet"), scale] },
  }),
  row(rbac, "roles", "Role"),
  row(rbac, "rolebindings", "RoleBinding"),
  row(rbac, "clusterroles", "ClusterRole", clusterWide),
  row(rbac, "clusterrolebindings", "ClusterRoleBinding", clusterWide),
];

/** Resources of which nothing is stored: a `create` is answered. */
export const reviewKinds: readonly ResourceKind[] = [
  row("authentication.k8s.io", "tokenreviews", "TokenReview", clusterWide),
  row("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", clusterWide),
  row("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", clusterWide),
  row("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", clusterWide),
];

/** What is done with objects. */
export const objectVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** `group/version`, or `v1`. */
export function groupVersion({ group, version }: Pick<ResourceKind, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}
