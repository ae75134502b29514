import { classify, type KubernetesRequest, type Limits, type Outcome } from "@countersign/policy";
import type { Connector, ResultChunk } from "../../../packages/sidecar/src/protocols/connector.ts";
import { openKubernetesConnector } from "../../../packages/sidecar/src/protocols/kubernetes/connector.ts";
import { kubernetesResourceSchema } from "../../../packages/sidecar/src/protocols/kubernetes/resource.ts";
import { KubernetesApi, type KubernetesApiOptions } from "./kubernetes-api.ts";

/** The sidecar's own token: of the user `countersign`, whom RBAC lets do next to nothing. */
export const ownToken = "own-token<of>the&sidecar";
/** A static token of `jane`, of the group `shop`. */
export const staticToken = "static-token-of-jane";

/** How a request is run. */
export interface RunOptions {
  readonly role?: string;
  readonly by?: Connector;
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
  readonly readOnly?: boolean;
  readonly onChunk?: (chunk: ResultChunk) => void | Promise<void>;
}

/** A request to the API server; GET unless something else is said. */
export function kubernetesRequest(path: string, more: Partial<KubernetesRequest> = {}): KubernetesRequest {
  return { kind: "kubernetes.request", method: "GET", path, headers: [], ...more };
}

/** With a JSON body. */
export function withJson(method: string, path: string, body: unknown, type = "application/json"): KubernetesRequest {
  return kubernetesRequest(path, { method, headers: [["Content-Type", type]], body: { text: JSON.stringify(body) } });
}

/** A stand-in API server and connectors to it. */
export class KubernetesConnectors implements AsyncDisposable {
  readonly api: KubernetesApi;
  /** The time of both clocks, milliseconds: a test may set it. */
  nowMs = Date.UTC(2026, 0, 1);
  readonly #open: Connector[] = [];
  readonly #own: Connector;

  private constructor(start: (now: () => number) => KubernetesApi) {
    this.api = start(() => this.nowMs);
    this.#own = this.connector();
  }

  static async start(options: KubernetesApiOptions = {}): Promise<KubernetesConnectors> {
    const tokens = {
      [ownToken]: { username: "countersign", groups: [] },
      [staticToken]: { username: "jane", groups: ["shop"] },
    };
    let clock = (): number => 0;
    const api = await KubernetesApi.start({ tokens, now: () => clock(), ...options });
    return new KubernetesConnectors((now) => {
      clock = now;
      return api;
    });
  }

  /** The configuration of the resource. */
  resource(more: object = {}) {
    const token = { env: "OWN" };
    const { certificate, key } = this.api.authority.client("mutual-user");
    return {
      resource: {
        ...{ name: "prod", type: "kubernetes", server: this.api.url, ca: this.api.authority.ca },
        roles: {
          static: { token: { env: "STATIC" } },
          deployer: { token, serviceAccount: { namespace: "shop", name: "deployer" } },
          viewer: { token, impersonate: { user: "agents-viewer", groups: ["agents"] } },
          mutual: { certificate: { cert: certificate, key: { env: "KEY" } } },
          mutualDeployer: {
            certificate: { cert: certificate, key: { env: "KEY" } },
            serviceAccount: { namespace: "shop", name: "deployer" },
          },
        },
        ...more,
      },
      env: { OWN: ownToken, STATIC: staticToken, KEY: key },
    };
  }

  connector(more: object = {}): Connector {
    const { resource, env } = this.resource(more);
    const times = { now: () => this.nowMs, clock: () => this.nowMs };
    const one = openKubernetesConnector(kubernetesResourceSchema.parse(resource), { folder: ".", env, ...times });
    this.#open.push(one);
    return one;
  }

  /** Runs a request as the guard does. */
  async run(operation: KubernetesRequest, options: RunOptions = {}) {
    const { role = "static", by = this.#own, limits = {}, signal = new AbortController().signal, onChunk } = options;
    const facts = classify(operation, { searchPath: [] });
    if (facts.protocol !== "kubernetes") throw new Error("other facts");
    const { readOnly = facts.kubernetes.readOnly } = options;
    by.accept(operation, facts);
    const dispatch = by.dispatch(operation, role, limits, { signal, readOnly });
    const parts: Buffer[] = [];
    let head: Extract<ResultChunk, { type: "response" }> | undefined;
    try {
      const marker = await dispatch.prepare();
      const outcome: Outcome = await dispatch.run((chunk) => {
        if (chunk.type === "response") head = chunk;
        if (chunk.type === "body") parts.push(Buffer.from(chunk.data));
        return onChunk?.(chunk);
      });
      return { outcome, marker, head, body: Buffer.concat(parts).toString() };
    } finally {
      await dispatch.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close()));
    await this.api[Symbol.asyncDispose]();
  }
}
