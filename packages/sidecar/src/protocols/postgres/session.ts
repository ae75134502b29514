import type { Json } from "@countersign/policy";
import { serialize } from "pg-protocol";
import { decodeRows } from "./codec.ts";
import { type ConnectOptions, connectUpstream } from "./connect.ts";
import { askCluster, type Cluster, type Marker } from "./marker.ts";
import { checkPins, drifts, pinsQuestion } from "./pins.ts";
import { noSettings, type Settings } from "./settings.ts";
import type { Upstream } from "./upstream.ts";

/** After this time a busy server notices that we are gone, and stops; milliseconds. */
const checkClientMs = 2000;

/** Of the statement and the portal of {@link Session.checkPinsAside}. */
const aside = "_countersign";

/** A pooled connection whose settings were checked. */
export class Session {
  readonly upstream: Upstream;
  /** Milliseconds of the pool's clock. */
  readonly openedMs: number;
  /** What it was opened with besides the pins; it serves only those who ask for the same. */
  readonly settings: Settings;
  readonly #options: ConnectOptions;
  readonly #resource: string;
  #cluster: Promise<Cluster> | undefined;
  #known: Cluster | undefined;

  private constructor(upstream: Upstream, options: ConnectOptions, resource: string, openedMs: number, settings: Settings) {
    this.upstream = upstream;
    this.openedMs = openedMs;
    this.settings = settings;
    this.#options = options;
    this.#resource = resource;
  }

  /**
   * Connects and checks that the session keeps its pins.
   *
   * @throws as {@link connectUpstream} and {@link checkPins}.
   */
  static async open(options: ConnectOptions, resource: string, nowMs: number, settings: Settings = noSettings): Promise<Session> {
    const upstream = await connectUpstream({ ...options, settings: settings.values });
    const session = new Session(upstream, options, resource, nowMs, settings);
    try {
      await session.#check();
      return session;
    } catch (error) {
      session.upstream.destroy();
      throw error;
    }
  }

  /** Which incarnation of which server it is connected to; asked once, because a connection does not outlive either. */
  cluster(): Promise<Cluster> {
    this.#cluster ??= askCluster(this.upstream).then((cluster) => {
      this.#known = cluster;
      return cluster;
    });
    return this.#cluster;
  }

  /**
   * Begins a transaction and learns its id, so that it can be asked later what became of it.
   *
   * @throws {DatabaseError} when the server refuses, e.g. on a standby; {ConnectionLost}.
   */
  async begin(): Promise<Marker & Json> {
    const cluster = await this.cluster();
    const [[xid, pid] = []] = await this.upstream.ask("begin; select pg_current_xact_id()::text, pg_backend_pid()::text");
    if (!xid || !pid) throw new TypeError("The server gave no transaction id");
    return { xid, pid: Number(pid), database: this.#options.database, ...cluster };
  }

  /** As {@link begin} gives it, of a transaction that a client has begun itself; undefined before {@link cluster} was asked. */
  ownMarker(xid: string): (Marker & Json) | undefined {
    const { database } = this.#options;
    return this.#known && { xid, pid: this.upstream.processId, database, ...this.#known, own: true };
  }

  /**
   * Makes it as new: nothing of a role's earlier use may reach the next (settings, temporary tables, locks, listens, prepared statements).
   *
   * @throws when it cannot; then it must be closed.
   */
  async reset(): Promise<void> {
    if (this.upstream.status !== "I") await this.upstream.ask("rollback");
    await this.upstream.ask("discard all");
    await this.#check();
  }

  /**
   * Reads the pins again while the session is lent. SHOW takes no snapshot, so that a SET TRANSACTION may still follow; everything has a name of
   * its own, because the unnamed statement and portal are the client's (§53.2.3).
   *
   * @throws as {@link checkPins}; {ConnectionLost}; {DatabaseError} in a failed transaction.
   */
  async checkPinsAside(): Promise<void> {
    const { pins } = this.#options;
    const answer: (string | null)[] = [];
    const reply = await this.upstream.extended(showAside(Object.keys(pins)), {
      rows: (data, count) => answer.push(...decodeRows(data, count).flat()),
    });
    if (reply.error) throw reply.error;
    checkPins(pins, answer, this.#resource);
  }

  /** Whether a ParameterStatus shows that it cannot be trusted any more. */
  drifted(name: string, value: string): boolean {
    return drifts(this.#options.pins, name, value, this.#options.user);
  }

  async #check(): Promise<void> {
    const { pins } = this.#options;
    const [answer = []] = await this.upstream.ask(pinsQuestion(pins));
    checkPins(pins, answer, this.#resource);
    // Servers before 14, and those on systems that cannot tell, answer with an error, which changes nothing.
    await this.upstream.simple(`set client_connection_check_interval = ${checkClientMs}`);
  }
}

/** SHOW of each setting, under a name of its own, which is gone afterwards. */
function showAside(names: readonly string[]): Buffer {
  const questions = names.flatMap((name) => [
    serialize.parse({ name: aside, text: `show ${name}` }),
    serialize.bind({ statement: aside, portal: aside }),
    serialize.execute({ portal: aside }),
    serialize.close({ type: "P", name: aside }),
    serialize.close({ type: "S", name: aside }),
  ]);
  return Buffer.concat([...questions, serialize.sync()]);
}
