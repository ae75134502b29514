/** On which requests power is handed out: whichever verb, or all that are not reads. */
type Verbs = "any" | "writes";

/**
 * Resources that are worth more than the namespace they are in: credentials, rights, what every request passes through, and what others
 * run on. An `allow` rule covers them only if its condition looks at `kubernetes.resource`, so that "everything in dev" does not hand out
 * rights (RBAC's own `escalate` and `bind` are no verbs of requests: they are asked about when roles and bindings are written).
 */
const powers: Readonly<Record<string, Verbs>> = {
  secrets: "any",
  namespaces: "writes",
  nodes: "writes",
  persistentvolumes: "writes",
  serviceaccounts: "writes",
  "*.admissionregistration.k8s.io": "writes",
  "*.apiextensions.k8s.io": "writes",
  "*.apiregistration.k8s.io": "writes",
  "*.authentication.k8s.io": "writes",
  "*.certificates.k8s.io": "writes",
  "*.flowcontrol.apiserver.k8s.io": "writes",
  "*.node.k8s.io": "writes",
  "*.policy": "writes",
  "*.rbac.authorization.k8s.io": "writes",
  "*.storage.k8s.io": "writes",
};

/** Whether a resource hands out power when it is used so. */
export function handsOutPower(group: string, resource: string, writes: boolean): boolean {
  const key = group === "" ? resource : `*.${group}`;
  if (!Object.hasOwn(powers, key)) return false;
  return powers[key] === "any" || writes;
}

/** Questions about the caller's own rights: `create` as RBAC sees them, but nothing is stored. */
const selfReviews: ReadonlySet<string> = new Set([
  "selfsubjectaccessreviews.authorization.k8s.io",
  "selfsubjectrulesreviews.authorization.k8s.io",
  "selfsubjectreviews.authentication.k8s.io",
]);

/** Whether creating this stores nothing and tells the caller only about itself (`kubectl auth can-i`). */
export function isSelfReview(group: string, resource: string): boolean {
  return selfReviews.has(`${resource}.${group}`);
}

/** What API servers answer to anybody who may log in (`system:discovery`, `system:public-info-viewer`), and their metrics. */
const discovery =
  /^\/(?:(?:healthz|livez|readyz)(?:\/[\w.-]+)*|version|metrics(?:\/[\w.-]+)?|openapi\/v2|openapi\/v3(?:\/[\w./-]+)?|api(?:\/v\w+)?|apis(?:\/[a-z\d.-]+){0,2}|\.well-known\/openid-configuration|openid\/v1\/jwks)?\/?$/;

/** Whether a path that is no resource is one of those that only tell about the server. */
export function isDiscovery(path: string): boolean {
  return discovery.test(path);
}
