import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import {
  CountersignError,
  classify,
  type Facts,
  isCredentialHeader,
  type Json,
  type KubernetesFacts,
  type KubernetesRequest,
  type Limits,
  type Operation,
  type Outcome,
  removedHeaders,
  type TargetIdentity,
} from "@countersign/policy";
import type { Pool } from "undici";
import type { CredentialContext } from "../../credentials/source.ts";
import type { Connector, Dispatch, DispatchOptions, Pinning, ResultSink } from "../connector.ts";
import type { TargetCredential } from "../request/credential.ts";
import { readCertificate } from "../request/pem.ts";
import { RequestDispatch } from "../request/request-dispatch.ts";
import { SpareConnections } from "../request/upgrade/spare-connections.ts";
import type { UpgradeWay } from "../request/upgrade/upgrade-kind.ts";
import { openConnect, openUpstream, type ResolveName } from "../request/upstream.ts";
import { LostWrites, objectOf, stateOf } from "./object-state.ts";
import { addressRules, type KubernetesResource } from "./resource.ts";
import { openRole } from "./role.ts";
import { askSmall } from "./small-answer.ts";
import { podStreamOf } from "./stream/pod.ts";
import { PodStreams, type StreamRole } from "./stream/pod-streams.ts";
import type { AskBy } from "./token-request.ts";

/** What a connector needs besides its configuration. */
export interface KubernetesConnectorOptions extends CredentialContext {
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** Milliseconds since the Unix epoch; default `Date.now`. */
  readonly clock?: () => number;
  /** Default: the system's. */
  readonly lookup?: ResolveName;
}

/**
 * Opens the way to one API server. Nothing is connected before it is needed.
 *
 * @throws {Error} when the file of a certificate cannot be read.
 */
export function openKubernetesConnector(resource: KubernetesResource, options: KubernetesConnectorOptions): KubernetesTarget {
  return new KubernetesConnector(resource, options);
}

/** What a listener has of a cluster besides what every connector gives. */
export interface KubernetesTarget extends Connector {
  /** Refuses at once what could never be dispatched for a client with a connection of its own. */
  acceptClient(operation: Operation, facts: Facts): void;
  /** Begins the dispatch that takes a waiting client to the API server. */
  upgrade(operation: Operation, way: UpgradeWay): Dispatch;
}

/** Whether it is a cluster's. */
export function isKubernetesTarget(connector: Connector): connector is KubernetesTarget {
  return connector instanceof KubernetesConnector;
}

interface Role extends StreamRole {
  /** For answers that may not end by themselves. */
  readonly endless: Pool;
}

class KubernetesConnector implements KubernetesTarget {
  readonly #name: string;
  readonly #identity: TargetIdentity;
  readonly #roles: ReadonlyMap<string, Role>;
  /** To the same API server, with the credentials that tokens are got by. */
  readonly #tokenPools: Pool[] = [];
  readonly #streams: PodStreams;
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #lost: LostWrites;
  /** How many there were; with the time the name of each. */
  #writes = 0;

  constructor({ name, server: origin, ca: given, roles, connections }: KubernetesResource, options: KubernetesConnectorOptions) {
    const { now = () => performance.now(), clock = Date.now, lookup, folder } = options;
    this.#name = name;
    this.#now = now;
    this.#clock = clock;
    this.#lost = new LostWrites(now);
    const ca = given === undefined ? undefined : readCertificate(given, folder);
    const authorities = ca === undefined ? "system" : `sha256:${createHash("sha256").update(ca).digest("hex")}`;
    this.#identity = { type: "kubernetes", address: origin, tls: "verify-full", ca: authorities };
    const upstream = { origin, rules: addressRules, ...(ca !== undefined && { ca }), ...(lookup && { lookup }) };
    const poolBy = (credential: TargetCredential, more: object = {}) =>
      openUpstream({ ...upstream, connections: { ...connections, ...more } }, credential);
    const askBy = (credential: TargetCredential): AskBy => {
      const pool = poolBy(credential);
      this.#tokenPools.push(pool);
      return (question) => askSmall(question, { pool, credential });
    };
    const poolTo = () => {
      throw new TypeError("a role of a cluster gets its tokens from the cluster");
    };
    const { connectTimeoutMs } = connections;
    this.#roles = new Map(
      Object.entries(roles).map(([role, config]) => {
        const credential = openRole(config, { ...options, origin, poolTo, now, clock, askBy });
        const connect = openConnect({ ...upstream, connections }, credential.reads);
        // A watch, and the log of a container that has nothing to say, are silent for hours.
        const endless = poolBy(credential.reads, { bodySilenceMs: 0 });
        const spares = new SpareConnections({ origin, connect, handshakeMs: connectTimeoutMs });
        return [role, { credential, pool: poolBy(credential.reads), endless, connect, spares }];
      }),
    );
    this.#streams = new PodStreams({ origin, roleOf: (role) => this.#role(role), connectTimeoutMs, now });
  }

  get pinning(): Pinning {
    return this.#streams;
  }

  target(role: string): TargetIdentity {
    return { ...this.#identity, credential: this.#role(role).credential.reads.shown };
  }

  accept(operation: Operation, facts: Facts): void {
    const { headers, streamed, connection, uid } = asRequest(operation);
    if (facts.protocol !== "kubernetes") throw new TypeError("a request has the facts of another protocol");
    if (streamed === true || connection !== undefined)
      throw refused("What a client streams runs on its own connection only; send the body with the call.");
    refuseIdentity(headers);
    if (podStreamOf(facts.kubernetes) !== undefined) {
      this.#streams.accept(asRequest(operation), facts.kubernetes);
      return;
    }
    if (uid !== undefined)
      throw refused(
        "uid is for sessions in pods. In other requests the body names the object that is meant: preconditions.uid of a delete, metadata.uid of an update or a patch.",
      );
    if (headers.some(([name]) => name.toLowerCase() === "upgrade"))
      throw refused(`A connection to ${this.#name} becomes something else only in an exec, an attach or a port-forward.`);
  }

  acceptClient(operation: Operation, facts: Facts): void {
    const request = asRequest(operation);
    if (facts.protocol !== "kubernetes") throw new TypeError("a request has the facts of another protocol");
    refuseIdentity(request.headers);
    this.#streams.acceptClient(request, facts.kubernetes);
  }

  upgrade(operation: Operation, way: UpgradeWay): Dispatch {
    return this.#streams.upgrade(asRequest(operation), way);
  }

  dispatch(operation: Operation, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    const request = asRequest(operation);
    if (this.#streams.has(request)) return this.#streams.dispatch(request, role, limits, options);
    const { signal, readOnly } = options;
    const { pool, endless, credential: own } = this.#role(role);
    const facts = factsOf(request);
    const credential = readOnly ? own.reads : own.forWrite();
    const parts = { request, readOnly, limits, signal, credential, passes, now: this.#now };
    const sending = new RequestDispatch({ ...parts, pool: mayBeEndless(facts) ? endless : pool });
    const object = readOnly ? undefined : objectOf(request, facts);
    return {
      prepare: async () => {
        await sending.prepare();
        if (object === undefined) return null;
        const write = `${this.#clock()}-${++this.#writes}`;
        return await stateOf(object, (question) => askSmall(question, { pool, credential }), write, signal);
      },
      run: (sink) => knownOutcome(sending, withRemoved(request, sink), facts, () => own.forget?.()),
      close: () => sending.close(),
    };
  }

  async resolve(marker: Json, role: string, signal?: AbortSignal): Promise<Outcome> {
    const { pool, credential } = this.#role(role);
    return await this.#lost.resolve(marker, (question) => askSmall(question, { pool, credential: credential.reads }), signal);
  }

  async close(): Promise<void> {
    for (const { spares } of this.#roles.values()) spares[Symbol.dispose]();
    const pools = [...this.#roles.values()].flatMap((role) => [role.pool, role.endless]);
    for (const pool of [...pools, ...this.#tokenPools]) void pool.close();
  }

  #role(role: string): Role {
    const found = this.#roles.get(role);
    if (!found) throw new CountersignError("internal", `${this.#name} has no role ${JSON.stringify(role)}.`);
    return found;
  }
}

/**
 * Runs a request. That the API server does not know the role is nothing that the caller could mend, who would take it for a word about its own token;
 * it comes before anything is done ("Authenticating"). Behind `proxy` others say so about what is theirs.
 */
async function knownOutcome(
  sending: Dispatch,
  sink: ResultSink,
  { subresource }: KubernetesFacts,
  unknown: () => void,
): Promise<Outcome> {
  let isUnknown = false;
  const outcome = await sending.run((chunk) => {
    if (chunk.type !== "response" || chunk.status !== 401 || subresource === "proxy") return sink(chunk);
    isUnknown = true;
    throw new TypeError("not the caller's");
  });
  if (!isUnknown) return outcome;
  unknown();
  const message =
    "The API server does not accept the credential of the role (401); nothing was done. Its operator must look at it.";
  return { ...outcome, state: "failed", failure: { code: "target_credentials", message, retryable: false } };
}

/** Tells a client whose headers did not go on: kubectl prints warnings (RFC 9111 §5.5, as API servers write it). */
function withRemoved({ headers }: KubernetesRequest, sink: ResultSink): ResultSink {
  const removed = removedHeaders(headers);
  if (removed.length === 0) return sink;
  const said = `299 - "Countersign: ${removed.join(", ")} removed; this was done as the role that the policy names"`;
  return (chunk) => sink(chunk.type === "response" ? { ...chunk, headers: [...chunk.headers, ["warning", said]] } : chunk);
}

/**
 * API servers begin no sessions; what is in front of one may, for its credential. Client libraries go where `Location` says and send the agent's token
 * there, too: it names no other host, whoever wrote it (a pod may, through `proxy`).
 */
function passes(name: string, value: string): boolean {
  return name === "location" ? /^\/(?![/\\])/.test(value) : !/^set-cookie2?$/.test(name);
}

/** Classification refuses them, too: whoever gets one through asks as somebody else, or as the credential that impersonates. */
function refuseIdentity(headers: KubernetesRequest["headers"]): void {
  const field = headers.find(([name, value]) => identifies(name.toLowerCase(), value));
  if (field !== undefined)
    throw refused(`The header ${field[0]} says who asks, and that is for the sidecar to say. Leave it out.`);
}

/**
 * Headers that say who asks, to an API server or to what may be in front of it ("User impersonation"; "Authenticating Proxy"), from where, or under which
 * name its audit log is to keep it ("Auditing": `sourceIPs` come from X-Forwarded-For, `auditID` from Audit-ID).
 */
const asserted = /^(?:impersonate-.*|x-remote-.*|x-forwarded-.*|x-auth-request-.*|forwarded|x-real-ip|audit-id)$/;

function identifies(name: string, value: string): boolean {
  return asserted.test(name) || isCredentialHeader(name, value);
}

/** They have connections of their own: whoever opens many watches keeps nobody from anything else. */
function mayBeEndless({ verb, subresource }: KubernetesFacts): boolean {
  return verb === "watch" || subresource === "log" || subresource === "proxy";
}

function factsOf(request: KubernetesRequest): KubernetesFacts {
  const facts = classify(request, { searchPath: [] });
  if (facts.protocol !== "kubernetes") throw new TypeError("a request has the facts of another protocol");
  return facts.kubernetes;
}

/** @throws {CountersignError} `invalid_operation` for what is no request to an API server. */
function asRequest(operation: Operation): KubernetesRequest {
  if (operation.kind === "kubernetes.request") return operation;
  throw refused(`The resource is a Kubernetes cluster; it takes no ${operation.kind}.`);
}

function refused(message: string): CountersignError {
  return new CountersignError("invalid_operation", message);
}
