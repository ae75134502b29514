import {
  CountersignError,
  classify,
  type Facts,
  type KubernetesFacts,
  type KubernetesRequest,
  type Limits,
  type Operation,
} from "@countersign/policy";
import type { buildConnector, Pool } from "undici";
import type { Dispatch, DispatchOptions, Pinning } from "../../connector.ts";
import type { TargetCredential } from "../../request/credential.ts";
import { ExecDispatch } from "./exec-dispatch.ts";
import { lacksOfPod, type PodStream, pinToPod, podStreamOf } from "./pod.ts";
import { readObject } from "./read-object.ts";

/** One role's way to the API server. */
export interface StreamRole {
  readonly credential: TargetCredential;
  readonly pool: Pool;
  readonly connect: buildConnector.connector;
}

/** What is needed of the connector that these are a part of. */
export interface PodStreamsOptions {
  readonly origin: string;
  readonly roleOf: (role: string) => StreamRole;
  readonly connectTimeoutMs: number;
  /** Default: 5 s, as kubectl has it. */
  readonly pingMs?: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const reading = "get pods";

/** What a connector does about sessions in pods: `exec` and `attach` for callers of the SDK, and which pod is meant by all of them. */
export class PodStreams implements Pinning {
  readonly #options: PodStreamsOptions;

  constructor(options: PodStreamsOptions) {
    this.#options = options;
  }

  /**
   * Refuses what can never run in a session that has no client of its own.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  accept({ body, headers }: KubernetesRequest, facts: KubernetesFacts): void {
    const stream = podStreamOf(facts);
    if (stream === undefined) return;
    if (stream.subresource === "portforward") throw refused("A port is forwarded for a client's own connection only.");
    if (headers.length > 0) throw refused("A session in a pod has no headers of its own. Leave them out.");
    if (facts.stdin !== (body !== undefined))
      throw refused("Standard input is given as the body, together with stdin=true; neither without the other.");
  }

  /** Whether an operation is for {@link dispatch}. */
  has(operation: KubernetesRequest): boolean {
    return podStreamOf(factsOf(operation)) !== undefined;
  }

  lacks(operation: Operation, facts: Facts): string | undefined {
    if (operation.kind !== "kubernetes.request" || facts.protocol !== "kubernetes") return undefined;
    const stream = podStreamOf(facts.kubernetes);
    return stream && lacksOfPod(operation, stream);
  }

  /** @throws {CountersignError} as `pinToPod` and `readObject`. */
  async complete(operation: Operation, role: string, signal: AbortSignal): Promise<Operation> {
    if (operation.kind !== "kubernetes.request") return operation;
    const stream = podStreamOf(factsOf(operation));
    if (stream === undefined) return operation;
    const parts = { ...this.#options.roleOf(role), signal };
    return pinToPod(operation, stream, (path) => readObject(path, reading, parts));
  }

  dispatch(operation: KubernetesRequest, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    const { origin, connectTimeoutMs, pingMs = 5000, now, roleOf } = this.#options;
    const facts = factsOf(operation);
    const stream = podStreamOf(facts);
    if (stream === undefined) throw new TypeError("no session in a pod");
    const { credential, pool, connect } = roleOf(role);
    const { signal, readOnly, record } = options;
    return new ExecDispatch({
      ...{ operation, stream: sessionOf(stream, facts), readOnly, limits, signal, record, credential, now },
      upstream: { origin, connect, handshakeMs: connectTimeoutMs, pingMs },
      read: (path) => readObject(path, reading, { credential, pool, signal }),
    });
  }
}

function sessionOf(stream: PodStream, { tty, stdin }: KubernetesFacts) {
  return { ...stream, tty, stdin };
}

function factsOf(operation: KubernetesRequest): KubernetesFacts {
  const facts = classify(operation, { searchPath: [] });
  if (facts.protocol !== "kubernetes") throw new TypeError("a request has the facts of another protocol");
  return facts.kubernetes;
}

function refused(message: string): CountersignError {
  return new CountersignError("invalid_operation", message);
}
