import type { DeepPartial, Evidence } from "@countersign/rpc";

const now = Date.now();
const noted =
  "Not compared: metadata.managedFields, metadata.resourceVersion, metadata.generation, metadata.uid, metadata.creationTimestamp, metadata.selfLink, status.";

/** What the page is told about changes of a cluster. */
export const clusterEvidence = {
  patch: {
    timeMs: now - 60_000,
    about: [
      { name: "Object", text: "Deployment prod/checkout" },
      { name: "Created", text: "2026-08-02T07:11:40Z" },
      { name: "Controlled by", text: "Application checkout" },
    ],
    changes: {
      fields: [
        { path: "spec.replicas", before: "6", after: "0" },
        {
          path: "spec.template.spec.containers[name=web].image",
          before: '"registry.example.com/checkout:2026.11.20"',
          after: '"registry.example.com/checkout:2026.11.22"',
        },
        { path: "spec.template.spec.containers[name=web].args", before: '["serve"]', after: '["serve","--debug \u202egubed--"]' },
        { path: 'spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]', after: '"2026-11-22T10:00:00Z"' },
        { path: "spec.template.spec.containers[name=web].livenessProbe.httpGet.path", before: '"/healthz"' },
        { path: "spec.template.spec.initContainers (order)", before: '["migrate","warm"]', after: '["warm","migrate"]' },
        {
          path: "spec.template.spec.containers[name=web].env[name=TOKEN].value",
          before: '"(hidden, sha256:57dd03c8, 26 bytes)"',
          after: '"(hidden, sha256:b1a71ee5, 25 bytes)"',
        },
        {
          path: "spec.template.spec.containers[name=web].config",
          before: "(a text of 3 lines, see the difference)",
          after: "(a text of 3 lines, see the difference)",
        },
      ],
      more: 12,
    },
    difference: "@ spec.template.spec.containers[name=web].config\n-user www;\n+user root;\n workers 4;",
    notes: [noted],
  },
  refused: {
    timeMs: now - 60_000,
    about: [
      { name: "Object", text: "Pod prod/api-0" },
      { name: "Controlled by", text: "StatefulSet api" },
      { name: "Container", text: "api" },
      { name: "Image", text: "registry.example.com/api:4" },
      { name: "Restarts", text: "3" },
      { name: "Node", text: "node-7" },
      { name: "Runs with", text: "privileged, hostNetwork" },
    ],
    failure: "The pod of that name is another one by now: nothing would run in it.",
  },
} as const satisfies Record<string, DeepPartial<Evidence>>;
