/** What an API server answers `GET /api/v1/pods` with: pods as a Deployment makes them, some 2 KB each. */
export function podList(count: number): Buffer {
  const items = Array.from({ length: count }, (_, n) => pod(n));
  const list = { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items };
  return Buffer.from(JSON.stringify(list));
}

function pod(n: number) {
  const uid = `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const at = "2026-11-23T00:00:00Z";
  const condition = (type: string) => ({ type, status: "True", lastProbeTime: null, lastTransitionTime: at });
  return {
    metadata: {
      ...{ name: `web-${n}`, generateName: "web-", namespace: `team-${n % 50}`, uid, resourceVersion: String(n) },
      ...{ creationTimestamp: at, labels: { app: "web", "pod-template-hash": "5d4f8c7b9" } },
      annotations: { "example.com/checksum": "0".repeat(64) },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid, controller: true }],
    },
    spec: {
      containers: [
        {
          ...{ name: "web", image: "registry.example.com/web:1.0.0", ports: [{ containerPort: 8080, protocol: "TCP" }] },
          env: Array.from({ length: 10 }, (_, k) => ({ name: `SETTING_${k}`, value: `value-${k}` })),
          resources: { limits: { cpu: "500m", memory: "256Mi" }, requests: { cpu: "100m", memory: "128Mi" } },
          volumeMounts: [{ name: "token", readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
        },
      ],
      ...{
        restartPolicy: "Always",
        serviceAccountName: "default",
        nodeName: `node-${n % 100}`,
        schedulerName: "default-scheduler",
      },
      tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }],
    },
    status: {
      ...{ phase: "Running", hostIP: "192.0.2.1", podIP: "198.51.100.1", startTime: at, qosClass: "Burstable" },
      conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
      containerStatuses: [{ name: "web", ready: true, restartCount: 0, state: { running: { startedAt: at } }, imageID: uid }],
    },
  };
}
