import { Instance } from "./instance.ts";
import { adminToken, KubernetesApi } from "./kubernetes/kubernetes-api.ts";

/**
 * Reading is free, small changes in `shop` too, namespaces are deleted by people, and many at once by nobody. For the agent `tester` whatever can
 * be read in one way is allowed: what is refused all the same is refused by the gate.
 */
const kubernetesPolicy = `version: 1
rules:
  - id: reading-is-free
    resources: [prod]
    when: >-
      kubernetes.readOnly && kubernetes.subresource in ["", "log", "status", "scale"] && kubernetes.resource != "secrets"
      && principal.subject != "tester"
    effect: allow
    role: reader
  - id: changes-in-shop
    resources: [prod]
    when: >-
      kubernetes.verb in ["create", "update", "patch", "delete"] && kubernetes.subresource in ["", "scale"]
      && kubernetes.resource in ["configmaps", "pods", "deployments"] && kubernetes.namespace == "shop"
      && kubernetes.patchType != "json" && principal.subject != "tester"
    effect: allow
    role: writer
  - id: namespaces-need-a-human
    resources: [prod]
    when: kubernetes.resource == "namespaces" && kubernetes.verb == "delete" && principal.subject != "tester"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: services-need-a-human
    resources: [prod]
    when: kubernetes.resource == "services" && kubernetes.verb == "delete" && kubernetes.namespace == "shop"
    effect: review
    role: deployer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: exec-needs-a-human
    resources: [prod]
    when: kubernetes.subresource == "exec" && principal.subject != "tester"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: never-many-at-once
    resources: [prod]
    when: kubernetes.verb == "deletecollection" && principal.subject != "tester"
    effect: deny
    message: Ask the platform team.
  - id: not-for-strangers
    resources: [prod]
    when: principal.subject == "stranger"
    effect: deny
    message: Strangers have no business here.
  - id: anything
    resources: [prod]
    when: >-
      principal.subject == "tester" && kubernetes.path != "" && kubernetes.resource != "-" && kubernetes.subresource != "-"
      && kubernetes.patchType != "-" && kubernetes.argv != ["-"]
    effect: allow
    opaque: true
    role: writer
`;

/** An instance with one cluster. */
export interface KubernetesWorld extends AsyncDisposable {
  readonly api: KubernetesApi;
  readonly instance: Instance;
  /** The cluster at the listener of all clusters. */
  readonly server: string;
  /** Whom its clients trust. */
  readonly ca: string;
}

/** What a world is made with. */
interface WorldOptions {
  /** YAML for countersign.yaml: the listeners. */
  readonly config?: string;
  readonly policy?: string;
  /** More roles, each with the cluster's token. */
  readonly roles?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts both. */
export async function kubernetesWorld({
  config,
  policy = kubernetesPolicy,
  roles = [],
  files = {},
}: WorldOptions = {}): Promise<KubernetesWorld> {
  await using parts = new AsyncDisposableStack();
  const api = parts.use(await KubernetesApi.start());
  api.store.seed(
    {
      kind: "Pod",
      metadata: { name: "web-0", namespace: "shop", labels: { app: "web" } },
      spec: { containers: [{ name: "app" }] },
    },
    { kind: "Namespace", metadata: { name: "old" } },
    { kind: "Namespace", metadata: { name: "older" } },
    { kind: "Namespace", metadata: { name: "kept" } },
  );
  const resource = `  - name: prod
    type: kubernetes
    server: ${api.url}
    ca: { file: cluster-ca.pem }
    roles:
      reader: { token: { file: token } }
      writer: { token: { file: token } }
      deployer: { token: { file: token }, serviceAccount: { namespace: shop, name: deployer } }
${roles.map((role) => `      ${role}: { token: { file: token } }\n`).join("")}`;
  const listeners = config ?? 'sidecar:\n  kubernetes:\n    - { tcp: "127.0.0.1:0" }\n';
  const instance = parts.use(
    await Instance.start({
      policy,
      config: `${resource}${listeners}`,
      files: { token: adminToken, "cluster-ca.pem": api.authority.ca, ...files },
    }),
  );
  const { server = "", ca = "" } = instance.at.kubernetes.find(({ server }) => server.includes("/clusters/")) ?? {};
  const all = parts.move();
  return { api, instance, server, ca, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
