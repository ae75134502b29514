import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Principal } from "@countersign/policy";
import type { NativeHost, NativeListener, OpenNative } from "../../native/listener.ts";
import { isPostgresTarget } from "./connector.ts";
import type { Targets } from "./entry/admission.ts";
import { CancelKeys } from "./entry/cancel-keys.ts";
import { ClientConnection } from "./entry/client-connection.ts";
import type { OpenClientGate } from "./entry/client-gate.ts";
import { ClientLimits, type ConnectionBounds } from "./entry/client-limits.ts";
import { Handshakes } from "./entry/handshakes.ts";
import { listenAt, type PostgresAddress } from "./entry/listening.ts";

/** One listener as configured. */
export interface PostgresListen {
  readonly address: PostgresAddress;
  /** Whoever can open the Unix socket; the others send a token as their password, or show a certificate. */
  readonly identity?: Principal;
  /** How often a client that waits is told that it does, milliseconds; absent = once. */
  readonly noticeMs?: number;
}

/** What the listeners have in common. */
export interface PostgresListenersOptions {
  readonly listen: readonly PostgresListen[];
  readonly bounds: ConnectionBounds;
  /** Makes the gates of a listener's clients. */
  readonly gates: (host: NativeHost, listen: PostgresListen) => OpenClientGate;
  /** Longest start-up of a client, milliseconds; default 30 s. */
  readonly startUpMs?: number;
}

const defaultStartUpMs = 30_000;

/** The ways in for psql and every driver, for {@link NativeHost}s to open. They share their limits. */
export function postgresListeners({ listen, bounds, ...options }: PostgresListenersOptions): readonly OpenNative[] {
  const limits = new ClientLimits(bounds);
  return listen.map((one) => (host) => PostgresListener.open(host, one, { ...options, limits }));
}

interface Shared extends Pick<PostgresListenersOptions, "gates" | "startUpMs"> {
  readonly limits: ClientLimits;
}

class PostgresListener implements NativeListener {
  readonly address: string;
  readonly #connections: Set<ClientConnection>;
  readonly #stop: () => Promise<void>;

  private constructor(address: string, connections: Set<ClientConnection>, stop: () => Promise<void>) {
    this.address = address;
    this.#connections = connections;
    this.#stop = stop;
  }

  static async open(host: NativeHost, listen: PostgresListen, shared: Shared): Promise<PostgresListener> {
    const { address: at, identity } = listen;
    const { gates, limits, startUpMs = defaultStartUpMs } = shared;
    const tls = at.type === "tcp" ? at.tls : undefined;
    const parts = {
      ...{ host, limits, startUpMs },
      listener: at.type === "unix" ? `unix://${at.path}` : `${at.host}:${at.port}`,
      targets: targetsOf(host),
      openGate: gates(host, listen),
      keys: new CancelKeys(host.random),
      handshakes: tls && new Handshakes(tls),
      proof: { tokens: host.tokens, unix: at.type === "unix", ...(identity && { identity }) },
    };
    const connections = new Set<ClientConnection>();
    const taken = (socket: Socket): void => {
      const connection = new ClientConnection(socket, parts);
      connections.add(connection);
      socket.once("close", () => connections.delete(connection));
      void connection.start();
    };
    const { server, address } = await listenAt(at, taken);
    const stop = async (): Promise<void> => {
      server.close();
      if (at.type === "unix") await rm(at.path, { force: true });
    };
    return new PostgresListener(address, connections, stop);
  }

  async close(graceMs: number): Promise<void> {
    await this.#stop();
    const ended = new AbortController();
    const drained = Promise.all([...this.#connections].map((connection) => connection.drain()));
    await Promise.race([drained, sleep(graceMs, undefined, { signal: ended.signal }).catch(() => {})]);
    ended.abort();
    for (const connection of this.#connections) connection.destroy();
  }
}

/** Those of the resources that PostgreSQL's clients can use. */
function targetsOf({ resources }: NativeHost): Targets {
  const targets = resources
    .list()
    .flatMap(({ name, connector }) => (isPostgresTarget(connector) ? [[name, connector] as const] : []));
  return new Map(targets);
}
