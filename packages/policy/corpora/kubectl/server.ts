/** Just enough of an API server: discovery, objects that hold what kubectl looks for, logs, and yes to every question about rights. */

interface Kind {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly short: readonly string[];
}

/** `group/version` → resource → kind; a `*` after the kind marks what belongs to no namespace. */
const kinds: Readonly<Record<string, string>> = {
  v1: "pods:Pod:po services:Service:svc configmaps:ConfigMap:cm secrets:Secret nodes:Node*:no namespaces:Namespace*:ns events:Event:ev serviceaccounts:ServiceAccount:sa persistentvolumes:PersistentVolume*:pv persistentvolumeclaims:PersistentVolumeClaim:pvc replicationcontrollers:ReplicationController:rc resourcequotas:ResourceQuota:quota limitranges:LimitRange:limits endpoints:Endpoints:ep componentstatuses:ComponentStatus*:cs",
  "apps/v1":
    "deployments:Deployment:deploy replicasets:ReplicaSet:rs statefulsets:StatefulSet:sts daemonsets:DaemonSet:ds controllerrevisions:ControllerRevision",
  "batch/v1": "jobs:Job cronjobs:CronJob:cj",
  "networking.k8s.io/v1": "ingresses:Ingress:ing networkpolicies:NetworkPolicy:netpol ingressclasses:IngressClass*",
  "rbac.authorization.k8s.io/v1":
    "roles:Role rolebindings:RoleBinding clusterroles:ClusterRole* clusterrolebindings:ClusterRoleBinding*",
  "storage.k8s.io/v1": "storageclasses:StorageClass*:sc volumeattachments:VolumeAttachment* csidrivers:CSIDriver*",
  "autoscaling/v2": "horizontalpodautoscalers:HorizontalPodAutoscaler:hpa",
  "policy/v1": "poddisruptionbudgets:PodDisruptionBudget:pdb",
  "coordination.k8s.io/v1": "leases:Lease",
  "discovery.k8s.io/v1": "endpointslices:EndpointSlice",
  "events.k8s.io/v1": "events:Event",
  "apiextensions.k8s.io/v1": "customresourcedefinitions:CustomResourceDefinition*:crd",
  "apiregistration.k8s.io/v1": "apiservices:APIService*",
  "admissionregistration.k8s.io/v1":
    "validatingwebhookconfigurations:ValidatingWebhookConfiguration* mutatingwebhookconfigurations:MutatingWebhookConfiguration*",
  "scheduling.k8s.io/v1": "priorityclasses:PriorityClass*:pc",
  "certificates.k8s.io/v1": "certificatesigningrequests:CertificateSigningRequest*:csr",
  "authorization.k8s.io/v1": "selfsubjectaccessreviews:SelfSubjectAccessReview* selfsubjectrulesreviews:SelfSubjectRulesReview*",
  "authentication.k8s.io/v1": "selfsubjectreviews:SelfSubjectReview*",
  "metrics.k8s.io/v1beta1": "pods:PodMetrics nodes:NodeMetrics*",
  "example.com/v1": "widgets:Widget:wd",
};

const catalog: ReadonlyMap<string, ReadonlyMap<string, Kind>> = new Map(
  Object.entries(kinds).map(([version, list]) => [
    version,
    new Map(
      list.split(" ").map((entry): [string, Kind] => {
        const [resource = "", kind = "", ...short] = entry.split(":");
        return [resource, { kind: kind.replace("*", ""), namespaced: !kind.endsWith("*"), short }];
      }),
    ),
  ]),
);

/** What the server answers. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Answers one request. */
export function answer(method: string, target: string, body: string): Answer {
  const { pathname, searchParams } = new URL(target, "http://server");
  if (/^\/(?:healthz|livez|readyz|metrics)/.test(pathname)) return { status: 200, type: "text/plain", body: "ok" };
  if (pathname.endsWith("/log")) return { status: 200, type: "text/plain", body: "a line\n" };
  if (searchParams.get("watch") === "true") return { status: 200, type: "application/json", body: "" };
  const found = discovery(pathname) ?? resource(method, pathname, body);
  return found === undefined ? notFound() : { status: 200, type: "application/json", body: JSON.stringify(found) };
}

function notFound(): Answer {
  const body = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 });
  return { status: 404, type: "application/json", body };
}

function discovery(path: string): unknown {
  if (path === "/version") return { major: "1", minor: "32", gitVersion: "v1.32.4", platform: "linux/amd64" };
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis")
    return { kind: "APIGroupList", apiVersion: "v1", groups: [...catalog.keys()].filter((one) => one !== "v1").map(group) };
  if (path === "/openapi/v3") {
    const paths = [...catalog.keys()].map((one) => [
      one === "v1" ? "api/v1" : `apis/${one}`,
      { serverRelativeURL: `/openapi/v3/${one === "v1" ? "api/v1" : `apis/${one}`}?hash=0A` },
    ]);
    return { paths: Object.fromEntries(paths) };
  }
  const schema = /^\/openapi\/v3\/apis?\/(.+)$/.exec(path)?.[1];
  if (schema !== undefined) return openApi(schema);
  const resources = catalog.get(path.replace(/^\/apis?\//, ""));
  return (
    resources && {
      kind: "APIResourceList",
      groupVersion: path.replace(/^\/apis?\//, ""),
      resources: [...resources].flatMap(listed),
    }
  );
}

function group(groupVersion: string): unknown {
  const [name, version] = groupVersion.split("/");
  return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
}

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** What `kubectl get all` means. */
const categories: ReadonlySet<string> = new Set(
  "pods services replicationcontrollers deployments replicasets statefulsets daemonsets jobs cronjobs horizontalpodautoscalers".split(
    " ",
  ),
);

function listed([name, { kind, namespaced, short }]: [string, Kind]): readonly unknown[] {
  const scaled = ["deployments", "replicasets", "statefulsets", "replicationcontrollers"].includes(name);
  const scale = {
    name: `${name}/scale`,
    kind: "Scale",
    group: "autoscaling",
    version: "v1",
    namespaced,
    singularName: "",
    verbs: ["get", "patch", "update"],
  };
  return [
    {
      name,
      kind,
      namespaced,
      shortNames: short,
      singularName: kind.toLowerCase(),
      verbs,
      categories: categories.has(name) ? ["all"] : [],
    },
    ...(scaled ? [scale] : []),
  ];
}

/** A schema that knows `metadata` and `spec` of every kind. */
function openApi(groupVersion: string): unknown {
  const [group, version] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  const resources = catalog.get(groupVersion) ?? new Map<string, Kind>();
  const schemas = [...resources.values()].map(({ kind }) => [
    kind,
    {
      type: "object",
      description: kind,
      properties: {
        metadata: { type: "object", description: "m" },
        spec: { type: "object", description: "s", properties: { replicas: { type: "integer", description: "r" } } },
      },
      "x-kubernetes-group-version-kind": [{ group, version, kind }],
    },
  ]);
  const paths = [...resources].map(([name, { kind }]) => [
    `/${group === "" ? "api" : `apis/${group}`}/${version}/${name}`,
    { get: { "x-kubernetes-group-version-kind": { group, version, kind }, responses: {} } },
  ]);
  return {
    openapi: "3.0.0",
    info: { title: "k", version: "1" },
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

function resource(method: string, path: string, body: string): unknown {
  const parts = /^\/(?:api|apis)\/((?:[^/]+\/)?v\w+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?/.exec(path);
  const [, groupVersion = "", namespace, collection = "", name] = parts ?? [];
  const known = catalog.get(groupVersion)?.get(collection) ?? catalog.get("v1")?.get("namespaces");
  if (!parts || !known) return undefined;
  if (method === "POST")
    return {
      ...sent(body),
      kind: known.kind,
      apiVersion: groupVersion,
      status: { allowed: true, incomplete: false, resourceRules: [], nonResourceRules: [], userInfo: {} },
    };
  const space = namespace ?? (known.namespaced ? "default" : undefined);
  if (name !== undefined) return object(groupVersion, known, space, name);
  const items = ["web-0", "web-1"].map((each) => object(groupVersion, known, space, each));
  return { kind: `${known.kind}List`, apiVersion: groupVersion, metadata: { resourceVersion: "1" }, items };
}

/** What was sent, where it is JSON; clients that know a kind send it in protobuf. */
function sent(body: string): object {
  return body.startsWith("{") ? JSON.parse(body) : {};
}

/** One object that is ready, whatever it is. */
function object(apiVersion: string, { kind }: Kind, namespace: string | undefined, name: string): unknown {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web:1" }] } };
  const numbers = {
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    observedGeneration: 1,
    succeeded: 1,
  };
  const metadata = {
    name,
    namespace,
    uid: "u-1",
    generation: 1,
    labels,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    annotations: { "deployment.kubernetes.io/revision": "1" },
  };
  const common = { kind, apiVersion, metadata };
  if (kind === "Event")
    return { ...common, involvedObject: { kind: "Pod", name: "web-0", namespace }, reason: "Started", type: "Normal" };
  if (kind === "PodMetrics")
    return {
      ...common,
      timestamp: metadata.creationTimestamp,
      window: "30s",
      containers: [{ name: "web", usage: { cpu: "1m", memory: "1Mi" } }],
    };
  if (kind === "NodeMetrics")
    return { ...common, timestamp: metadata.creationTimestamp, window: "30s", usage: { cpu: "1m", memory: "1Mi" } };
  if (kind === "ConfigMap" || kind === "Secret") return { ...common, data: {} };
  if (/Role|Class|Lease|Config|Account|Endpoint|Controller|APIService|CSIDriver/.test(kind) && !/Replica|Replication/.test(kind))
    return common;
  const status = {
    ...numbers,
    phase: "Running",
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Available", status: "True" },
      { type: "Complete", status: "True" },
    ],
  };
  if (kind === "Pod")
    return {
      ...common,
      spec: { ...template.spec, nodeName: "node-1" },
      status: { ...status, containerStatuses: [{ name: "web", ready: true, image: "web:1", state: { running: {} } }] },
    };
  if (kind === "Service")
    return { ...common, spec: { selector: labels, ports: [{ port: 80, targetPort: 80 }], clusterIP: "10.0.0.1" }, status: {} };
  if (!/^(?:Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|ReplicationController)$/.test(kind))
    return { ...common, spec: {}, status: { phase: "Running" } };
  const selector = kind === "ReplicationController" ? labels : { matchLabels: labels };
  return {
    ...common,
    spec: { replicas: 1, selector, template, strategy: { type: "RollingUpdate" }, updateStrategy: { type: "RollingUpdate" } },
    status,
  };
}
