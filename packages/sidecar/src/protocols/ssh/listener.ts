import { once } from "node:events";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, type Principal } from "@countersign/policy";
import type { ServerHostKeyAlgorithm } from "ssh2";
import type { NativeHost, NativeListener, OpenNative } from "../../native/listener.ts";
import { formatAddress, type SshAddress } from "./address.ts";
import { algorithms } from "./algorithms.ts";
import type { RegisteredKey } from "./entry/authentication.ts";
import { ClientConnection, type ConnectionParts } from "./entry/client-connection.ts";
import { Server } from "./ssh2-patched.ts";

/** One listener as configured. */
export interface SshListen {
  readonly address: SshAddress;
  /** Its own private key, in OpenSSH's format. */
  readonly hostKey: string;
  readonly keys: readonly RegisteredKey[];
  /** Authorities of users, as they are sent. */
  readonly authorities: readonly Buffer[];
}

/** How unmodified SSH clients are served. */
interface SshClientsOptions {
  readonly listen: readonly SshListen[];
  readonly bounds: { readonly connections: number; readonly connectionsPerPrincipal: number; readonly parameterBytes: number };
  /** The wall clock. */
  readonly wallMs: () => number;
}

const logInMs = 60_000;
/** Long enough for what a pipe sends; a person who types nothing is not waited for. */
const firstInputMs = 300;
const nextInputMs = 10_000;
/** Somebody may have gone home. */
const shellIdleMs = 30 * 60_000;

/** The ways in for ssh, sftp, scp, rsync and git, one for each that is configured. */
export function openSshClients({ listen, ...options }: SshClientsOptions): readonly OpenNative[] {
  return listen.map((one) => (host) => SshListener.open(host, one, options));
}

class SshListener implements NativeListener {
  readonly address: string;
  readonly #server: InstanceType<typeof Server>;
  readonly #connections: ReadonlySet<ClientConnection>;

  private constructor(address: string, server: InstanceType<typeof Server>, connections: ReadonlySet<ClientConnection>) {
    this.address = address;
    this.#server = server;
    this.#connections = connections;
  }

  static async open(
    host: NativeHost,
    listen: SshListen,
    { bounds, wallMs }: Omit<SshClientsOptions, "listen">,
  ): Promise<SshListener> {
    const { address, hostKey, keys, authorities } = listen;
    const parts: ConnectionParts = {
      ...{ host, listener: formatAddress(address) },
      logInMs,
      proof: { tokens: host.tokens, keys, authorities, now: wallMs },
      patience: { firstMs: firstInputMs, nextMs: nextInputMs, mostBytes: bounds.parameterBytes },
      admit: admission(bounds.connectionsPerPrincipal),
      admitShell: admission(bounds.connectionsPerPrincipal),
      shellIdleMs,
    };
    const connections = new Set<ClientConnection>();
    const serverHostKey: ServerHostKeyAlgorithm[] = ["ssh-ed25519"];
    // The name of the software is nobody's business before they have logged in, its version even less.
    const server = new Server(
      { hostKeys: [hostKey], algorithms: { ...algorithms, serverHostKey }, ident: "Countersign" },
      (client, { ip, port }) => {
        const connection = new ClientConnection(client, `${ip}:${port}`, parts);
        connections.add(connection);
        client.once("close", () => connections.delete(connection));
      },
    );
    server.maxConnections = bounds.connections;
    const listening = once(server, "listening");
    server.listen(address.port, address.host);
    try {
      await listening;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CountersignError("invalid_request", `Cannot listen for SSH clients on ${formatAddress(address)}: ${why}`, {
        cause,
      });
    }
    server.on("error", host.onInternalError);
    const { port } = server.address() as { port: number };
    return new SshListener(`${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${port}`, server, connections);
  }

  async close(graceMs: number): Promise<void> {
    this.#server.close();
    const drained = Promise.all([...this.#connections].map((connection) => connection.drained()));
    await Promise.race([drained, sleep(graceMs, undefined, { ref: false })]);
    for (const connection of this.#connections) connection.end();
  }
}

/** Counts the connections of each principal. */
function admission(most: number): (principal: Principal) => Disposable | undefined {
  const counts = new Map<string, number>();
  return ({ issuer, subject }) => {
    const name = JSON.stringify([issuer, subject]);
    const before = counts.get(name) ?? 0;
    if (before >= most) return undefined;
    counts.set(name, before + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (counts.get(name) ?? 1) - 1;
        if (left > 0) counts.set(name, left);
        else counts.delete(name);
      },
    };
  };
}
