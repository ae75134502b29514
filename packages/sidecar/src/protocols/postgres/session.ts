import type { Json } from "@countersign/policy";
import { type ConnectOptions, connectUpstream } from "./connect.ts";
import { askCluster, type Cluster, type Marker } from "./marker.ts";
import { checkPins, pinsQuestion } from "./pins.ts";
import type { Upstream } from "./upstream.ts";

/** After this time a busy server notices that we are gone, and stops; milliseconds. */
const checkClientMs = 2000;

/** A pooled connection whose settings were checked. */
export class Session {
  readonly upstream: Upstream;
  /** Milliseconds of the pool's clock. */
  readonly openedMs: number;
  readonly #options: ConnectOptions;
  readonly #resource: string;
  #cluster: Promise<Cluster> | undefined;

  private constructor(upstream: Upstream, options: ConnectOptions, resource: string, openedMs: number) {
    this.upstream = upstream;
    this.openedMs = openedMs;
    this.#options = options;
    this.#resource = resource;
  }

  /**
   * Connects and checks that the session keeps its pins.
   *
   * @throws as {@link connectUpstream} and {@link checkPins}.
   */
  static async open(options: ConnectOptions, resource: string, nowMs: number): Promise<Session> {
    const session = new Session(await connectUpstream(options), options, resource, nowMs);
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
    this.#cluster ??= askCluster(this.upstream);
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

  async #check(): Promise<void> {
    const { pins } = this.#options;
    const [answer = []] = await this.upstream.ask(pinsQuestion(pins));
    checkPins(pins, answer, this.#resource);
    // Servers before 14, and those on systems that cannot tell, answer with an error, which changes nothing.
    await this.upstream.simple(`set client_connection_check_interval = ${checkClientMs}`);
  }
}
