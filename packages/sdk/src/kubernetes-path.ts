import { CountersignError } from "./errors.ts";

/** Objects of one kind. */
export interface KubernetesKind {
  /** The plural name, as in paths and for kubectl: `deployments`. */
  resource: string;
  /** E.g. `apps/v1`. Default: what Kubernetes' own resources have; others must say it. */
  apiVersion?: string | undefined;
  /** Absent = all namespaces of a list or watch, or an object of the whole cluster. */
  namespace?: string | undefined;
}

/** One object. */
export interface KubernetesName extends KubernetesKind {
  name: string;
}

/** Where Kubernetes' own resources are, in the versions that every API server from 1.26 on has. */
const own: Readonly<Record<string, string>> = {
  v1: `bindings configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods podtemplates
    replicationcontrollers resourcequotas secrets serviceaccounts services`,
  "apps/v1": "controllerrevisions daemonsets deployments replicasets statefulsets",
  "autoscaling/v2": "horizontalpodautoscalers",
  "batch/v1": "cronjobs jobs",
  "coordination.k8s.io/v1": "leases",
  "discovery.k8s.io/v1": "endpointslices",
  "networking.k8s.io/v1": "ingressclasses ingresses networkpolicies",
  "policy/v1": "poddisruptionbudgets",
  "rbac.authorization.k8s.io/v1": "clusterrolebindings clusterroles rolebindings roles",
  "scheduling.k8s.io/v1": "priorityclasses",
  "storage.k8s.io/v1": "csidrivers csinodes storageclasses volumeattachments",
  "apiextensions.k8s.io/v1": "customresourcedefinitions",
  "admissionregistration.k8s.io/v1": "mutatingwebhookconfigurations validatingwebhookconfigurations",
};
const versions = new Map(
  Object.entries(own).flatMap(([version, resources]) => resources.split(/\s+/).map((resource) => [resource, version] as const)),
);

/**
 * The path of a collection, or of one object.
 *
 * @throws {CountersignError} `invalid_operation` for what is no name. Above all for an empty one: "delete this" would be "delete all".
 */
export function kubernetesPath({
  resource,
  apiVersion,
  namespace,
  name,
}: KubernetesKind & { name?: string | undefined }): string {
  const version = apiVersion ?? versions.get(resource);
  if (version === undefined)
    throw new CountersignError(
      "invalid_operation",
      `Whose ${JSON.stringify(resource)} is meant? Pass apiVersion, e.g. "example.com/v1".`,
    );
  const [first = "", second, ...more] = version.split("/");
  const parts =
    second === undefined
      ? ["api", segment(first, "apiVersion")]
      : ["apis", segment(first, "apiVersion"), segment(second, "apiVersion")];
  if (more.length > 0) throw noName(version, "apiVersion");
  if (namespace !== undefined) parts.push("namespaces", segment(namespace, "namespace"));
  parts.push(segment(resource, "resource"));
  if (name !== undefined) parts.push(segment(name, "name"));
  return `/${parts.join("/")}`;
}

/** The plural name of a kind, as `UnsafeGuessKindToResource` of k8s.io/apimachinery guesses it; right for all of Kubernetes' own. */
export function resourceOfKind(kind: string): string {
  const name = kind.toLowerCase();
  if (name === "endpoints") return name;
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** A query of what is there. */
export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** RBAC's own names have colons; a slash, a percent sign or a dot segment would be another path. */
function segment(text: string, what: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]*$/.test(text)) throw noName(text, what);
  return text;
}

function noName(text: string, what: string): CountersignError {
  return new CountersignError(
    "invalid_operation",
    `${what} is ${JSON.stringify(text.slice(0, 100))}, which is no name of Kubernetes.`,
  );
}
