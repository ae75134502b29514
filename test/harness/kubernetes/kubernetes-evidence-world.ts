import { classify, hidingWith, type KubernetesRequest } from "@countersign/policy";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { openKubernetesEvidence } from "../../../packages/sidecar/src/protocols/kubernetes/evidence/evidence.ts";
import { kubernetesResourceSchema } from "../../../packages/sidecar/src/protocols/kubernetes/resource.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import { KubernetesConnectors } from "./kubernetes-connectors.ts";
import { kindOf } from "./store.ts";

/** How values are hidden. */
export const hide = hidingWith("salt");
/** What the Secret `db` holds as `password`. */
export const secret = "hunter2-is-what-nobody-guesses";

/** A Deployment of two containers. */
export const web = {
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", finalizers: ["example.com/drain"] },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      spec: {
        containers: [
          { name: "log", image: "log:1" },
          { name: "web", image: "web:1" },
        ],
      },
    },
  },
};

/** A cluster with something in it, and the way to evidence about it. */
export class KubernetesEvidenceWorld implements AsyncDisposable {
  readonly connectors: KubernetesConnectors;

  private constructor(connectors: KubernetesConnectors) {
    this.connectors = connectors;
  }

  static async start(): Promise<KubernetesEvidenceWorld> {
    const world = new KubernetesEvidenceWorld(await KubernetesConnectors.start());
    world.api.store.seed(
      {
        kind: "Pod",
        metadata: { name: "web-0", namespace: "shop", labels: { app: "web" } },
        spec: {
          nodeName: "node-1",
          containers: [
            { name: "app", image: "app:7" },
            { name: "side", image: "side:1", securityContext: { privileged: true } },
          ],
        },
      },
      {
        kind: "ConfigMap",
        metadata: { name: "nginx", namespace: "shop" },
        data: { conf: "user www;\nworkers 4;\n" },
      },
      {
        kind: "Secret",
        metadata: { name: "db", namespace: "shop" },
        data: { password: Buffer.from(secret).toString("base64"), user: "YXBw" },
        type: "Opaque",
      },
      web,
    );
    return world;
  }

  get api(): KubernetesApi {
    return this.connectors.api;
  }

  /** What is found out; whatever comes of it, nothing is different afterwards. */
  async gather(operation: KubernetesRequest, more: object = {}) {
    const { resource, env } = this.connectors.resource(more);
    const source = openKubernetesEvidence(kubernetesResourceSchema.parse(resource), { folder: ".", env });
    const facts = classify(operation, { searchPath: [] });
    const before = this.#everything();
    const found = await source.gather({ kind: "plan", operation, facts, role: "static", hide }, new AbortController().signal);
    expect(this.#everything()).toBe(before);
    return found;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connectors[Symbol.asyncDispose]();
  }

  #everything(): string {
    const kinds = ["Pod", "ConfigMap", "Secret", "Deployment", "Namespace"];
    return JSON.stringify(kinds.map((kind) => this.api.store.list(kindOf(kind))));
  }
}

/** The cluster of one test file; each test begins with nothing asked. */
export function evidenceOfFile(): Pick<KubernetesEvidenceWorld, "api" | "connectors" | "gather"> {
  let world: KubernetesEvidenceWorld;
  beforeAll(async () => {
    world = await KubernetesEvidenceWorld.start();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  beforeEach(() => {
    world.api.asked.length = 0;
    world.api.intercept = undefined;
  });
  return {
    get api() {
      return world.api;
    },
    get connectors() {
      return world.connectors;
    },
    gather: (...what) => world.gather(...what),
  };
}
