import { CountersignError, type HttpApi, type ProtocolName } from "@countersign/policy";
import type { EvidenceSource } from "./evidence/evidence-source.ts";
import type { Connector } from "./protocols/connector.ts";

/** What the requests of an HTTP API are named by, while its documents change. */
export interface ApiInForce {
  /** What decides; another object once it says something else. */
  readonly current: HttpApi;
  /**
   * Reads its documents again, in one step between two decisions. False when they say what is in force.
   *
   * @throws {Error} when they cannot be used: what was in force stays so.
   */
  reload(): boolean;
}

/** A configured target. */
export interface GuardedResource {
  readonly name: string;
  /** Its protocol. */
  readonly type: ProtocolName;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of its roles. */
  readonly roles: readonly string[];
  /** PostgreSQL's pinned search_path; nothing for other protocols. */
  readonly searchPath?: readonly string[];
  /** Of an HTTP API: scheme, host and port. */
  readonly origin?: string;
  /** Of an HTTP API: what its requests are named by. */
  readonly api?: ApiInForce;
  readonly connector: Connector;
  /** What it can tell approvers of an operation without doing it; absent = nothing. */
  readonly evidence?: EvidenceSource;
  /** What its configuration cannot promise, one sentence each, for the operator. */
  readonly warnings?: readonly string[];
}

/** The configured targets by name. */
export class Resources {
  readonly #byName: ReadonlyMap<string, GuardedResource>;

  constructor(resources: readonly GuardedResource[]) {
    // What is known not to change is not looked at anew for each decision.
    for (const one of resources) for (const part of [one, one.labels, one.roles]) Object.freeze(part);
    this.#byName = new Map(resources.map((resource) => [resource.name, resource]));
  }

  /** @throws {CountersignError} `unknown_resource`. */
  get(name: string): GuardedResource {
    const resource = this.#byName.get(name);
    if (resource === undefined) {
      throw new CountersignError(
        "unknown_resource",
        `There is no resource ${JSON.stringify(name.slice(0, 100))}. \`countersign resources\` lists those that there are.`,
      );
    }
    return resource;
  }

  /** All of them, sorted by name. */
  list(): readonly GuardedResource[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Ends idle connections. */
  async close(): Promise<void> {
    await Promise.all(this.list().map((resource) => resource.connector.close()));
  }
}
