import { Operation } from "@countersign/rpc";
import { clusterEvidence } from "./cluster-evidence.ts";
import { hour, minute, type Sketch } from "./sketch.ts";

const onSsh = {
  type: "ssh",
  address: "web-1.internal:22",
  user: "deploy",
  hostKey: "SHA256:4pYx0vPq7b1eS2c9nB0kqk2nFq0m1d3JmQ0uQ5y8l2Q",
};
const waiting = { askedMsAgo: 6 * minute, waitsMs: 2 * hour } as const;
const content = (value: string) => ({ content: { $case: "text" as const, value } });

const nginx = `server {
  listen 443 ssl;
  server_name billing.example;
  location / { proxy_pass http://127.0.0.1:9000; }
}
`;
const refund = {
  amount: 12_900,
  currency: "EUR",
  reason: "duplicate \u202eegrahc",
  lines: [
    { sku: "A-1", quantity: 2 },
    { sku: "B-7", quantity: 1 },
  ],
  notify: { email: "customer@example.com", template: "refund-v2" },
};
const patch = {
  spec: { replicas: 0, template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "2026-11-22T10:00:00Z" } } } },
};

/** A pending request of every kind of operation but SQL. */
export const kindSketches: readonly Sketch[] = [
  {
    statement: "sudo systemctl restart api && tail -n 50 /var/log/api.log",
    protocol: "ssh",
    facts: { programs: ["systemctl", "tail"], paths: ["/var/log/api.log"], elevated: true, opaque: false, readOnly: false },
    operation: Operation.fromPartial({
      operation: {
        $case: "sshExec",
        value: { command: "sudo systemctl restart api &&\n  tail -n 50 /var/log/api.log", tty: true, stdin: content("yes\n") },
      },
    }),
    resource: "web-1",
    agent: "deploy-agent",
    reason: "The api does not answer health checks.",
    target: onSsh,
    ...waiting,
  },
  {
    statement: "write /etc/nginx/sites-enabled/billing.conf",
    protocol: "ssh",
    facts: { programs: [], paths: ["/etc/nginx/sites-enabled/billing.conf"], opaque: false },
    operation: Operation.fromPartial({
      operation: {
        $case: "sshFile",
        value: {
          action: "write",
          path: "/etc/nginx/sites-enabled/billing.conf",
          content: content(nginx),
          attributes: { mode: 0o100644, uid: 0, modified: 1_795_000_000 },
        },
      },
    }),
    resource: "web-1",
    agent: "deploy-agent",
    target: onSsh,
    ...waiting,
  },
  {
    statement: "PATCH /apis/apps/v1/namespaces/prod/deployments/checkout",
    protocol: "kubernetes",
    facts: { verb: "patch", group: "apps", resource: "deployments", namespace: "prod", name: "checkout", opaque: false },
    operation: Operation.fromPartial({
      operation: {
        $case: "kubernetesRequest",
        value: {
          method: "PATCH",
          path: "/apis/apps/v1/namespaces/prod/deployments/checkout?fieldManager=kubectl-client-side-apply",
          headers: [
            { name: "content-type", value: "application/strategic-merge-patch+json" },
            { name: "accept", value: "application/json" },
          ],
          body: content(JSON.stringify(patch)),
          uid: "6a0f6f5e-7f0a-4a52-9a2e-0c1d1c2b9e11",
        },
      },
    }),
    resource: "prod",
    agent: "scaler",
    target: { type: "kubernetes", address: "k8s.internal:6443", user: "countersign" },
    ...waiting,
    more: { evidence: clusterEvidence.patch },
  },
  {
    statement: "GET /api/v1/namespaces/prod/pods/api-0/exec",
    protocol: "kubernetes",
    facts: {
      verb: "create",
      resource: "pods",
      subresource: "exec",
      namespace: "prod",
      name: "api-0",
      argv: ["sh", "-c", "id"],
      tty: true,
      stdin: true,
      opaque: true,
      doubts: ["sh -c runs a command line"],
    },
    operation: Operation.fromPartial({
      operation: {
        $case: "kubernetesRequest",
        value: {
          method: "GET",
          path: "/api/v1/namespaces/prod/pods/api-0/exec?command=sh&command=-c&command=id&stdin=true&tty=true",
          streamed: true,
          connection: { id: "conn_01KB7X9QWERTY" },
        },
      },
    }),
    resource: "prod",
    agent: "debugger",
    target: { type: "kubernetes", address: "k8s.internal:6443", user: "countersign" },
    ...waiting,
    more: { evidence: clusterEvidence.refused },
  },
  {
    statement: "POST /v1/refunds",
    protocol: "http",
    facts: { method: "POST", path: "/v1/refunds", opaque: false, readOnly: false },
    operation: Operation.fromPartial({
      operation: {
        $case: "httpRequest",
        value: {
          method: "POST",
          path: "/v1/refunds?expand=charge",
          headers: [
            { name: "content-type", value: "application/json" },
            { name: "idempotency-key", value: "re_2291" },
          ],
          body: content(JSON.stringify(refund)),
        },
      },
    }),
    resource: "billing",
    agent: "support-copilot",
    reason: "Charged twice, see SUP-2291.",
    target: { type: "http", address: "https://api.billing.example" },
    ...waiting,
  },
  {
    statement: "PUT /blobs/7",
    protocol: "http",
    facts: { method: "PUT", path: "/blobs/7", opaque: true, doubts: ["the body is not looked into"] },
    operation: Operation.fromPartial({
      operation: {
        $case: "httpRequest",
        value: {
          method: "PUT",
          path: "/blobs/7",
          body: { content: { $case: "binary", value: Buffer.from("89504e470d0a1a0a0000000d49484452ff", "hex") } },
        },
      },
    }),
    resource: "billing",
    target: { type: "http", address: "https://api.billing.example" },
    ...waiting,
  },
  {
    statement: "github/merge_pull_request",
    protocol: "mcp",
    facts: { server: "github", tool: "merge_pull_request", opaque: false },
    operation: Operation.fromPartial({
      operation: {
        $case: "mcpCall",
        value: {
          server: "github",
          tool: "merge_pull_request",
          argumentsJson: '{"owner":"acme","repo":"shop","number":4711,"method":"squash"}',
        },
      },
    }),
    resource: "tools",
    agent: "release-agent",
    target: { type: "mcp", address: "stdio:github" },
    ...waiting,
  },
];
