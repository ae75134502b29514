import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import {
  CountersignError,
  canonicalDigest,
  classify,
  type Facts,
  type HttpApi,
  type HttpRequest,
  isCredentialHeader,
  type Json,
  type Limits,
  type Operation,
  type Outcome,
  type TargetIdentity,
} from "@countersign/policy";
import type { buildConnector, Pool } from "undici";
import type { CredentialContext } from "../../credentials/source.ts";
import type { ApiInForce } from "../../resources.ts";
import type { Connector, Dispatch, DispatchOptions } from "../connector.ts";
import { openTargetCredential, type TargetCredential } from "../request/credential.ts";
import type { StreamedBody } from "../request/exchange.ts";
import { unknownFailure } from "../request/failure.ts";
import { readCertificate } from "../request/pem.ts";
import { RequestDispatch } from "../request/request-dispatch.ts";
import { UpgradeDispatch } from "../request/upgrade/upgrade-dispatch.ts";
import type { UpgradeWay } from "../request/upgrade/upgrade-kind.ts";
import { openConnect, openUpstream, type ResolveName } from "../request/upstream.ts";
import type { HttpResource } from "./resource.ts";

/** What a connector needs besides its configuration. */
export interface HttpConnectorOptions extends CredentialContext {
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** Milliseconds since the Unix epoch; default `Date.now`. */
  readonly clock?: () => number;
  /** What the API's requests are named by: rules were decided by those names. */
  readonly api?: Pick<ApiInForce, "current">;
  /** Default: the system's. */
  readonly lookup?: ResolveName;
}

interface Role {
  readonly credential: TargetCredential;
  readonly pool: Pool;
  /** Makes a connection by itself. */
  readonly connect: buildConnector.connector;
}

/**
 * Opens the way to one HTTP API. Nothing is connected before it is needed.
 *
 * @throws {Error} when the file of a certificate cannot be read.
 */
export function openHttpConnector(resource: HttpResource, options: HttpConnectorOptions): Connector {
  return new HttpConnector(resource, options);
}

/** What a listener has of a resource besides what every connector gives. */
export interface HttpTarget extends Connector {
  /** Whether a header of a caller's may go on to the target: not a credential that is not configured to. */
  mayBring(name: string, value: string): boolean;
  /**
   * As `accept`, of what goes on as its client sends it.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  acceptStreamed(operation: Operation, facts: Facts): void;
  /** As `dispatch`, with the body that the client sends meanwhile. */
  relay(operation: Operation, role: string, limits: Limits, options: DispatchOptions, streamed: StreamedBody): Dispatch;
  /** As `dispatch`, for a client that waits for its WebSocket. */
  upgrade(operation: Operation, way: UpgradeWay): Dispatch;
}

/** Whether it is an HTTP API's. */
export function isHttpTarget(connector: Connector): connector is HttpTarget {
  return connector instanceof HttpConnector;
}

class HttpConnector implements HttpTarget {
  readonly #name: string;
  readonly #identity: TargetIdentity;
  readonly #api: HttpConnectorOptions["api"];
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #tokenPools: Pool[] = [];
  readonly #callerCredentials: ReadonlySet<string>;
  /** What some role proves itself by: nobody else sends it. */
  readonly #ownFields: ReadonlySet<string>;
  readonly #ownParameters: ReadonlySet<string>;
  readonly #silenceMs: number;
  readonly #now: () => number;

  constructor(
    { name, origin, tls, allowPrivate, callerCredentials, roles, connections }: HttpResource,
    options: HttpConnectorOptions,
  ) {
    this.#name = name;
    this.#silenceMs = connections.silenceMs;
    this.#api = options.api;
    this.#now = options.now ?? (() => performance.now());
    const ca = typeof tls === "object" ? readCertificate(tls.ca, options.folder) : undefined;
    const authorities = ca === undefined ? "system" : `sha256:${createHash("sha256").update(ca).digest("hex")}`;
    this.#identity = {
      type: "http",
      address: origin,
      ...(tls === "disable" ? { tls } : { tls: "verify-full", ca: authorities }),
    };
    const { lookup } = options;
    const upstream = { origin, rules: { allowPrivate }, connections, ...(ca !== undefined && { ca }), ...(lookup && { lookup }) };
    const { clock = Date.now } = options;
    // The same rules hold for where tokens come from.
    const poolTo = (at: string) => {
      const pool = openUpstream({ ...upstream, origin: at }, {});
      this.#tokenPools.push(pool);
      return pool;
    };
    this.#roles = new Map(
      Object.entries(roles).map(([role, config]) => {
        const credential = openTargetCredential(config, { ...options, origin, poolTo, clock, now: this.#now });
        return [role, { credential, pool: openUpstream(upstream, credential), connect: openConnect(upstream, credential) }];
      }),
    );
    const credentials = [...this.#roles.values()].map(({ credential }) => credential);
    this.#ownFields = new Set(credentials.flatMap(({ fields = [] }) => fields));
    this.#ownParameters = new Set(credentials.flatMap(({ parameters = [] }) => parameters));
    this.#callerCredentials = new Set(callerCredentials.filter((field) => !this.#ownFields.has(field)));
  }

  target(role: string): TargetIdentity {
    return { ...this.#identity, ...namesOf(this.#api?.current), credential: this.#role(role).credential.shown };
  }

  accept(operation: Operation, facts: Facts): void {
    const { streamed, connection } = asRequest(operation);
    if (streamed === true || connection !== undefined)
      throw refused("What a client streams runs on its own connection only; send the body with the call.");
    this.acceptStreamed(operation, facts);
  }

  acceptStreamed(operation: Operation, facts: Facts): void {
    const { headers } = asRequest(operation);
    if (facts.protocol !== "http") throw new TypeError("a request has the facts of another protocol");
    const field = headers.find(([name, value]) => !this.mayBring(name.toLowerCase(), value));
    if (field !== undefined)
      throw refused(
        `The header ${field[0]} is a credential, and ${this.#name} has its own. Leave it out, or list it in the resource's callerCredentials.`,
      );
    const parameter = Object.keys(facts.http.query).find((one) => this.#ownParameters.has(one.toLowerCase()));
    if (parameter !== undefined) throw refused(`The parameter ${parameter} is the target's credential. Leave it out.`);
  }

  dispatch(operation: Operation, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    return this.#dispatch(operation, role, limits, options);
  }

  relay(operation: Operation, role: string, limits: Limits, options: DispatchOptions, streamed: StreamedBody): Dispatch {
    return this.#dispatch(operation, role, limits, options, streamed);
  }

  upgrade(operation: Operation, { role, limits, options: { signal }, client }: UpgradeWay): Dispatch {
    const { credential, connect } = this.#role(role);
    const upstream = { origin: this.#identity.address, connect, handshakeMs: this.#silenceMs };
    const parts = { request: asRequest(operation), limits, signal, upstream, credential, client, now: this.#now };
    // That it is opened is not yet anything that was asked for.
    return new UpgradeDispatch({ ...parts, passes: this.#passes, idleMs: this.#silenceMs, acts: false });
  }

  #dispatch(
    operation: Operation,
    role: string,
    limits: Limits,
    { signal, readOnly }: DispatchOptions,
    streamed?: StreamedBody,
  ): Dispatch {
    const request = asRequest(operation);
    const { credential, pool } = this.#role(role);
    const parts = { request, readOnly, limits, signal, pool, credential, passes: this.#passes, now: this.#now };
    const takesEvents = () => asksForEvents(request);
    return new RequestDispatch(streamed === undefined ? { ...parts, takesEvents } : { ...parts, takesEvents, streamed });
  }

  /** HTTP has no way to ask what became of a request, so that it can never tell. */
  async resolve(_marker: Json, _role: string): Promise<Outcome> {
    const failure = unknownFailure(
      "The sidecar stopped while the target was at work, and an HTTP API cannot tell what became of a request.",
    );
    return { state: "unknown", failure, rows: 0, bytes: 0, durationMs: 0 };
  }

  async close(): Promise<void> {
    for (const pool of [...this.#roles.values()].map((role) => role.pool).concat(this.#tokenPools)) void pool.close();
  }

  mayBring(name: string, value: string): boolean {
    if (this.#ownFields.has(name)) return false;
    return this.#callerCredentials.has(name) || !isCredentialHeader(name, value);
  }

  /** A session that the target begins for its credential is as good as the credential. */
  readonly #passes = (name: string): boolean => !/^set-cookie2?$/.test(name) || this.#callerCredentials.has("cookie");

  #role(role: string): Role {
    const found = this.#roles.get(role);
    if (!found) throw new CountersignError("internal", `${this.#name} has no role ${JSON.stringify(role)}.`);
    return found;
  }
}

/** What was found out once; an API in force is another object when it changes. */
const namesKnown = new WeakMap<HttpApi, { readonly names?: string }>();
const nameless = {};

/** A digest of what requests are named by; nothing where nothing is. */
function namesOf(api: HttpApi | undefined): { readonly names?: string } {
  if (api === undefined) return nameless;
  const known = namesKnown.get(api) ?? digestOf(api);
  namesKnown.set(api, known);
  return known;
}

function digestOf({ graphql, operations }: HttpApi): { readonly names?: string } {
  if (graphql === undefined && operations === undefined) return nameless;
  const named = operations?.map(({ id, method, path }) => [id, method, path]) ?? null;
  return { names: canonicalDigest("countersign/http-api/v1", { graphql: graphql ?? null, operations: named }) };
}

/** @throws {CountersignError} `invalid_operation` for what is no HTTP request. */
function asRequest(operation: Operation): HttpRequest {
  if (operation.kind === "http.request") return operation;
  throw refused(`The resource is an HTTP API; it takes no ${operation.kind}.`);
}

/** Whether rules were asked about an answer that need not end. */
function asksForEvents(request: HttpRequest): boolean {
  const facts = classify(request, { searchPath: [] });
  return facts.protocol === "http" && facts.http.events;
}

function refused(message: string): CountersignError {
  return new CountersignError("invalid_operation", message);
}
