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
import type { SpareConnections } from "../../request/upgrade/spare-connections.ts";
import { UpgradeDispatch } from "../../request/upgrade/upgrade-dispatch.ts";
import type { UpgradeWay } from "../../request/upgrade/upgrade-kind.ts";
import type { RoleCredential } from "../role.ts";
import { askSmall } from "../small-answer.ts";
import { ClientSide } from "./client-side.ts";
import { CallSide } from "./far-side.ts";
import { lacksOfPod, type PodStream, pinToPod, podStreamOf, type ReadPod, requireSamePod } from "./pod.ts";
import { SessionDispatch, type SessionParts } from "./session-dispatch.ts";
import { forwarding, isStreamVersion, versions } from "./subprotocol.ts";

/** One role's way to the API server. */
export interface StreamRole {
  readonly credential: RoleCredential;
  readonly pool: Pool;
  readonly connect: buildConnector.connector;
  /** Made by `connect`. */
  readonly spares: SpareConnections;
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
  accept({ method, body, headers }: KubernetesRequest, facts: KubernetesFacts): void {
    const stream = podStreamOf(facts);
    if (stream === undefined) return;
    // A WebSocket is opened by GET (RFC 6455 §4.1), for which RBAC is asked another verb than for POST: nothing else may be approved.
    if (method !== "GET") throw refused(`${stream.subresource} is asked for by GET.`);
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

  /** @throws {CountersignError} as `pinToPod`. */
  async complete(operation: Operation, role: string, signal: AbortSignal): Promise<Operation> {
    if (operation.kind !== "kubernetes.request") return operation;
    const stream = podStreamOf(factsOf(operation));
    if (stream === undefined) return operation;
    const own = this.#options.roleOf(role);
    // Mostly it is allowed, and wanted at once. A certificate is shown when a connection is made, and may be another by then.
    if (own.credential.reads.certificate === undefined) own.spares.expect();
    return pinToPod(operation, stream, readerOf(own, signal));
  }

  /** For a caller whose input is in the operation. */
  dispatch(operation: KubernetesRequest, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    const { stdin } = factsOf(operation);
    return this.#relay(operation, { role, limits, options }, (sink) => new CallSide(operation, stdin, sink));
  }

  /**
   * Refuses what can never run for an unmodified client, before anybody is asked.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  acceptClient(operation: KubernetesRequest, facts: KubernetesFacts): void {
    const stream = podStreamOf(facts);
    if (stream === undefined) throw refused("A connection becomes something else only in an exec, an attach or a port-forward.");
    const spoken: readonly string[] = stream.subresource === "portforward" ? forwarding : versions;
    if (!offeredBy(operation).some((one) => spoken.includes(one)))
      throw refused(`${stream.subresource} is spoken by ${spoken.join(" or ")}, of which the client offers none.`);
  }

  /** For an unmodified client that waits for its WebSocket. */
  upgrade(operation: KubernetesRequest, { role, limits, options, client }: UpgradeWay): Dispatch {
    const facts = factsOf(operation);
    const stream = podStreamOf(facts);
    if (stream?.subresource === "portforward") return this.#forward(operation, stream, { role, limits, options, client });
    const { tty, stdin } = facts;
    const offered = offeredBy(operation).filter(isStreamVersion);
    const waiting = { take: (protocol: string) => client.take(protocol, []) };
    return this.#relay(
      operation,
      { role, limits, options },
      (_, left) => new ClientSide(waiting, { versions: offered, tty, stdin, left }),
    );
  }

  /** A tunnel: what goes through it is neither seen nor recorded. */
  #forward(operation: KubernetesRequest, stream: PodStream, { role, limits, options, client }: UpgradeWay): Dispatch {
    const { origin, connectTimeoutMs, now, roleOf } = this.#options;
    const own = roleOf(role);
    const { signal, readOnly } = options;
    const dispatch = new UpgradeDispatch({
      ...{ request: operation, limits, signal, client, now, acts: true, idleMs: idleTunnelMs, passes: passesRefusal },
      credential: readOnly ? own.credential.reads : own.credential.forWrite(),
      upstream: { origin, connect: own.connect, handshakeMs: connectTimeoutMs },
    });
    return {
      prepare: async () => {
        await requireSamePod(operation, stream, readerOf(own, signal));
        return dispatch.prepare();
      },
      run: () => dispatch.run(),
      close: () => dispatch.close(),
    };
  }

  #relay(
    operation: KubernetesRequest,
    { role, limits, options }: Omit<UpgradeWay, "client">,
    farSide: SessionParts["farSide"],
  ): Dispatch {
    const { origin, connectTimeoutMs, pingMs = 5000, now, roleOf } = this.#options;
    const facts = factsOf(operation);
    const stream = podStreamOf(facts);
    if (stream === undefined) throw new TypeError("no session in a pod");
    const own = roleOf(role);
    const { signal, readOnly, record } = options;
    return new SessionDispatch({
      ...{ operation, stream: sessionOf(stream, facts), readOnly, limits, signal, record, now, farSide },
      credential: readOnly ? own.credential.reads : own.credential.forWrite(),
      upstream: { origin, connect: own.connect, handshakeMs: connectTimeoutMs, pingMs },
      ...{ spares: own.spares, read: readerOf(own, signal) },
    });
  }
}

/** As of every answer: no session begins, and a refusal leads nowhere else. */
const passesRefusal = (name: string): boolean => !/^(?:location|set-cookie2?)$/.test(name);

/** A tunnel through which nobody says anything is ended, milliseconds; the kubelet does so after four hours. */
const idleTunnelMs = 4 * 60 * 60 * 1000;

/** Pods have annotations and a record of who manages which field: more than most answers. */
const mostPodBytes = 4 * 1024 * 1024;

function readerOf({ pool, credential }: StreamRole, signal: AbortSignal): ReadPod {
  return (path) => askSmall({ method: "GET", path, signal, mostBytes: mostPodBytes }, { pool, credential: credential.reads });
}

/** The subprotocols that a client offers. */
function offeredBy({ headers }: KubernetesRequest): readonly string[] {
  const values = headers.flatMap(([name, value]) => (name.toLowerCase() === "sec-websocket-protocol" ? value.split(",") : []));
  return values.map((one) => one.trim());
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
