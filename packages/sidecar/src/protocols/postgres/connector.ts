import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CountersignError,
  classify,
  type Facts,
  type Json,
  type Limits,
  type Operation,
  type Outcome,
  type PostgresQuery,
  type TargetIdentity,
} from "@countersign/policy";
import type { CredentialContext } from "../../credentials/source.ts";
import type { Connector, Dispatch, DispatchOptions } from "../connector.ts";
import { Stop } from "../stop.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { ConnectOptions } from "./connect.ts";
import { PostgresDispatch } from "./dispatch.ts";
import { connectFailure, stopFailures, unknownFailure } from "./failure.ts";
import { heldLocks } from "./held-locks.ts";
import { Lending } from "./lending.ts";
import type { MaskingOf } from "./lent.ts";
import { loginsOf } from "./logins.ts";
import { type Marker, parseMarker } from "./marker.ts";
import type { Masking } from "./masks/masking.ts";
import { type AskDatabase, Masks } from "./masks/masks.ts";
import { readingPinsOf } from "./pins.ts";
import { PlainTables } from "./plain-tables.ts";
import { planOf } from "./plan.ts";
import { Pool } from "./pool.ts";
import { type Patience, transactionFate } from "./resolve.ts";
import type { PostgresResource } from "./resource.ts";
import { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import { ConnectionLost } from "./upstream.ts";

/** What a connector needs besides its configuration. */
export interface PostgresConnectorOptions extends CredentialContext {
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** The largest row that is passed on, bytes; default 64 MB. */
  readonly maxRowBytes?: number;
  /** How long it is tried to resolve a transaction that is in doubt; default 2 s, 10 s, 10 s. */
  readonly patience?: Patience;
}

const defaultMaxRowBytes = 64 * 1024 * 1024;
const defaultPatience: Patience = { orphanMs: 2000, giveUpMs: 10_000, comebackMs: 10_000 };

/**
 * Opens the way to one PostgreSQL resource. Nothing is connected before it is needed.
 *
 * @throws {Error} when the file of the certificate authority cannot be read.
 */
export function openPostgresConnector(resource: PostgresResource, options: PostgresConnectorOptions): PostgresTarget {
  return new PostgresConnector(resource, options);
}

/** A connector that also lends its sessions to the connections of unmodified clients. */
export interface PostgresTarget extends Connector {
  /** Names of its roles, in the order of the configuration. */
  readonly roles: readonly string[];
  /** What becomes of a client's operation that has to wait inside of a transaction, whose locks others may wait for. */
  readonly holdInTransaction: PostgresResource["holdInTransaction"];
  /** @throws {CountersignError} `internal` for a role that it does not have. */
  lending(role: string): Pick<Lending, "lend" | "greeting">;
}

/** Whether a connector is one of this protocol. */
export function isPostgresTarget(connector: Connector): connector is PostgresTarget {
  return connector instanceof PostgresConnector;
}

interface Role {
  readonly user: string;
  readonly pool: Pool;
  readonly lending: Lending;
}

class PostgresConnector implements PostgresTarget {
  readonly holdInTransaction: PostgresResource["holdInTransaction"];
  readonly #name: string;
  readonly #identity: Omit<TargetIdentity, "user"> & { readonly type: string; readonly address: string };
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #now: () => number;
  readonly #patience: Patience;
  readonly #searchPath: readonly string[];
  readonly #masks: Masks;

  constructor(resource: PostgresResource, options: PostgresConnectorOptions) {
    this.#name = resource.name;
    this.holdInTransaction = resource.holdInTransaction;
    this.#now = options.now ?? (() => performance.now());
    this.#patience = options.patience ?? defaultPatience;
    this.#searchPath = resource.searchPath;
    this.#masks = new Masks(this.#now);
    const logins = loginsOf(resource, options, options.maxRowBytes ?? defaultMaxRowBytes);
    const tls = logins.values().next().value?.tls;
    this.#identity = {
      type: "postgres",
      address: formatAddress(parseAddress(resource.address)),
      database: resource.database,
      tls: tls ? "verify-full" : "disable",
      ...(tls ? { serverName: tls.serverName, ca: tls.ca === undefined ? "system" : sha256(tls.ca) } : {}),
      searchPath: JSON.stringify(resource.searchPath),
    };
    this.#roles = new Map(
      [...logins].map(([role, login]) => [
        role,
        { user: login.user, pool: this.#pool(role, resource.pool, login), lending: this.#lending(role, resource, login) },
      ]),
    );
  }

  get roles(): readonly string[] {
    return [...this.#roles.keys()];
  }

  lending(role: string): Lending {
    return this.#role(role).lending;
  }

  target(role: string): TargetIdentity {
    return { ...this.#identity, user: this.#role(role).user };
  }

  accept(operation: Operation, facts: Facts): void {
    const { statement } = asQuery(operation);
    if (facts.protocol !== "postgres") throw new TypeError("a query has the facts of another protocol");
    const { sql } = facts;
    if (sql.statements !== 1) {
      const message = `The text holds ${sql.statements} statements; a call is one statement. Send several one after the other.`;
      throw new CountersignError("invalid_operation", message);
    }
    planOf(statement, sql.readOnly);
  }

  dispatch(operation: Operation, role: string, limits: Limits, { signal, readOnly }: DispatchOptions): Dispatch {
    const { pool } = this.#role(role);
    return new PostgresDispatch({
      operation: asQuery(operation),
      readOnly,
      limits,
      stop: new Stop(signal, stopFailures),
      acquire: () => pool.acquire(signal),
      release: (session, afterwards) => pool.release(session, afterwards),
      resolve: (marker) => this.#resolvePatiently(marker, role),
      masking: async ({ upstream }) => limits.masks && (await this.#masking(operation, limits.masks, (sql) => upstream.ask(sql))),
      refuse: (error) => this.#refusal(error, role),
      now: this.#now,
    });
  }

  async #masking(operation: Operation, masks: readonly string[], ask: AskDatabase): Promise<Masking> {
    const query = asQuery(operation);
    // Known since policy was asked, unless it was forgotten meanwhile.
    const facts = classify(query, { searchPath: this.#searchPath });
    return this.#masks.of(masks, { facts: facts.sql, runs: query.runs }, ask);
  }

  /** Asks on a session that is nobody's: what a client has done to its own must not answer. */
  async #askAside(sql: string, role: string): Promise<Awaited<ReturnType<AskDatabase>>> {
    const { pool } = this.#role(role);
    const session = await pool.acquire(new AbortController().signal);
    try {
      return await session.upstream.ask(sql);
    } catch (error) {
      throw this.#refusal(error, role);
    } finally {
      pool.release(session, "keep");
    }
  }

  async resolve(value: Json, role: string, signal = new AbortController().signal): Promise<Outcome> {
    const startedMs = this.#now();
    const marker = parseMarker(value);
    const fate = marker ? await this.#fate(marker, role, signal) : unmarked;
    return { ...fate, rows: 0, bytes: 0, durationMs: this.#now() - startedMs };
  }

  async close(): Promise<void> {
    for (const { pool, lending } of this.#roles.values()) {
      pool.close();
      lending.close();
    }
  }

  async #fate(marker: Marker, role: string, signal: AbortSignal): Promise<Pick<Outcome, "state" | "failure">> {
    const { pool } = this.#role(role);
    try {
      const session = await pool.acquire(signal);
      try {
        return await transactionFate(marker, session, this.#patience, signal);
      } finally {
        pool.release(session, "keep");
      }
    } catch (error) {
      throw this.#refusal(error, role);
    }
  }

  /** As {@link resolve}, but waits for a database that is just restarting. */
  async #resolvePatiently(marker: Marker, role: string): Promise<Outcome> {
    const untilMs = this.#now() + this.#patience.comebackMs;
    for (;;) {
      try {
        return await this.resolve({ ...marker }, role);
      } catch (error) {
        const passing = error instanceof CountersignError && error.retryable && error.code !== "shutting_down";
        if (!passing || this.#now() > untilMs) throw error;
        await sleep(200);
      }
    }
  }

  #pool(role: string, options: PostgresResource["pool"], connect: ConnectOptions): Pool {
    return new Pool(`${this.#name}, role ${role}`, options, this.#opener(role, connect), this.#now);
  }

  #lending(role: string, { pool, searchPath }: PostgresResource, login: ConnectOptions): Lending {
    const { max, perPrincipal: maxPerPrincipal, exclusive } = pool.sessions;
    const open = this.#opener(role, { ...login, pins: readingPinsOf(searchPath) });
    const masking: MaskingOf = (operation, masks) => this.#masking(operation, masks, (sql) => this.#askAside(sql, role));
    const locks = (pid: number, signal: AbortSignal) => heldLocks(login, this.#name, pid, signal);
    const tables = new PlainTables((sql) => this.#askAside(sql, role), this.#now);
    const options = { ...pool, max, maxPerPrincipal, exclusive, masking, tables, locks };
    return new Lending(`${this.#name}, role ${role}`, options, open, this.#now);
  }

  #opener(role: string, connect: ConnectOptions): (settings: Settings) => Promise<Session> {
    return async (settings) => {
      try {
        return await Session.open(connect, this.#name, this.#now(), settings);
      } catch (error) {
        throw this.#refusal(error, role);
      }
    };
  }

  #refusal(error: unknown, role: string): CountersignError {
    const cause = error instanceof ConnectionLost ? (error.serverError ?? error) : error;
    return connectFailure(cause, this.#name, role);
  }

  #role(role: string): Role {
    const found = this.#roles.get(role);
    if (!found) throw new CountersignError("internal", `${this.#name} has no role ${JSON.stringify(role)}.`);
    return found;
  }
}

const unmarked = {
  state: "unknown",
  failure: unknownFailure("The sidecar stopped while a statement ran that PostgreSQL does not run inside a transaction."),
} as const;

function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** @throws {CountersignError} `invalid_operation` for what is not SQL. */
function asQuery(operation: Operation): PostgresQuery {
  if (operation.kind === "postgres.query") return operation;
  throw new CountersignError("invalid_operation", `The resource is a PostgreSQL database; it takes no ${operation.kind}.`);
}
