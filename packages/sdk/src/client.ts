import type { ListResourcesResponse } from "@countersign/rpc";
import type { GuardedAction } from "./action.ts";
import { type Advice, Advisor } from "./advice.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { TypeParsers } from "./field-reader.ts";
import { HttpResource } from "./http.ts";
import { KubernetesResource } from "./kubernetes.ts";
import type { Patience } from "./patience.ts";
import { attachPlan, type Plan, submitPlan } from "./plan.ts";
import { type CallSettings, PostgresResource } from "./postgres.ts";
import type { RequestHandle } from "./request.ts";
import { SshResource } from "./ssh.ts";
import { attach, type SubmitOptions, submit } from "./submit.ts";

/** How a client is made. */
export interface CountersignOptions extends ConnectionOptions {
  /** The agent's own run or conversation id (at most 256 bytes); approvers see it and the log records it. */
  readonly session?: string;
  /** Taken where a call's own options say nothing. */
  readonly defaults?: { readonly reason?: string; readonly timeout?: number | string };
  /** Own parsers of result values by type OID. */
  readonly types?: TypeParsers;
}

/** A configured target, without address or secret. */
export interface ResourceInfo {
  readonly name: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly roles: readonly string[];
}

/**
 * An agent's client of its sidecar. It holds one connection, opened with the first call and again after a break.
 *
 * @example
 * ```ts
 * await using cs = new Countersign({ address: "unix:///run/countersign/agent.sock" });
 * const { rows } = await cs.postgres("orders-db").query("select * from orders where id = $1", [7]);
 * ```
 */
export class Countersign implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #settings: CallSettings;
  readonly #advisor: Advisor;

  /** @throws {CountersignError} `invalid_request` for an address that cannot be used. Nothing is opened yet. */
  constructor(options: CountersignOptions) {
    this.#connection = new Connection(options);
    const { session = "", defaults = {}, types = {} } = options;
    this.#settings = { connection: this.#connection, session: session.toWellFormed(), types, defaults };
    this.#advisor = new Advisor(this.#connection);
  }

  /** A PostgreSQL resource, by its configured name. */
  postgres(resource: string): PostgresResource {
    return new PostgresResource(resource, this.#settings);
  }

  /** An SSH resource, by its configured name. */
  ssh(resource: string): SshResource {
    return new SshResource(resource, this.#settings);
  }

  /** A Kubernetes cluster, by its configured name. */
  kubernetes(resource: string): KubernetesResource {
    return new KubernetesResource(resource, this.#settings);
  }

  /** An HTTP API, by its configured name. */
  http(resource: string): HttpResource {
    return new HttpResource(resource, this.#settings);
  }

  /**
   * Opens a request that lives on without this process; the sidecar runs it when it is approved.
   *
   * @throws {CountersignError} `idempotency_conflict` when the key was used for another action, and as any call. A denial by policy is no error:
   * the handle's status says it.
   */
  submit(action: GuardedAction, options: SubmitOptions = {}): Promise<RequestHandle> {
    return submit(action, options, this.#settings);
  }

  /**
   * Asks once for an ordered list of exact actions (at most 100), or attaches to such a plan by its id, e.g. after a crash. People sign the
   * list as a whole, or strike lines out of it; then its lines run in order, each once, when {@link Plan.run} or {@link Plan.runAll} asks.
   *
   * @throws {CountersignError} `unknown_resource`, `invalid_operation` and what else keeps a line from being asked for: the message names it.
   * `not_found` for an id. A denial by policy is no error: the plan's state says it.
   */
  plan(plan: readonly GuardedAction[] | string, options: SubmitOptions = {}): Promise<Plan> {
    return typeof plan === "string"
      ? attachPlan(plan, this.#settings, options.signal)
      : submitPlan(plan, options, this.#settings);
  }

  /**
   * Attaches to a request by its id, e.g. after a crash.
   *
   * @throws {CountersignError} `not_found` when this caller has no such request.
   */
  request(id: string, options: Pick<Patience, "signal"> = {}): Promise<RequestHandle> {
    return attach(id, this.#settings, options.signal);
  }

  /**
   * What policy would say of an action, evaluated in this process with a copy of the sidecar's policy (at most 5 s old, and
   * fetched anew when a decision names another one). Advice only: the sidecar decides when the action is asked for, by all its rules.
   *
   * @throws {CountersignError} `unknown_resource`, `invalid_operation`, and as any call.
   */
  check(action: GuardedAction, options: { readonly reason?: string } = {}): Promise<Advice> {
    return this.#advisor.check(action, options.reason ?? this.#settings.defaults.reason ?? "");
  }

  /** The resources that the sidecar is configured for, sorted by name. */
  async resources(patience: Patience = {}): Promise<readonly ResourceInfo[]> {
    const { resources } = await this.#connection.unary<ListResourcesResponse>(
      (client, metadata, done) => client.listResources({}, metadata, done),
      patience,
    );
    return resources.map(({ name, type, labels, roles }) => ({ name, type, labels, roles }));
  }

  /** Ends every call (they reject with `aborted`) and closes the connection. Submitted requests go on. */
  async close(): Promise<void> {
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
