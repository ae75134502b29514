import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, isIP, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { CountersignError } from "@countersign/policy";
import type { TlsFiles } from "../../../server/listener.ts";

/** Where unmodified clients connect. Without TLS only on this machine. */
export type PostgresAddress =
  /** A path that ends in `/.s.PGSQL.PORT`, as clients expect it. */
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsFiles };

/** Thousands of clients may come back at once, e.g. after a restart. */
const backlog = 4096;
/** Quiet time after which the network is asked whether a client is still there, milliseconds. */
const keepAliveMs = 30_000;

/**
 * Listens. A Unix socket is made 0600; its folder is made 0700 if there is none.
 *
 * @returns the server, and what a client dials.
 * @throws {CountersignError} `invalid_request` when the address cannot be used.
 */
export async function listenAt(
  at: PostgresAddress,
  taken: (socket: Socket) => void,
): Promise<{ server: Server; address: string }> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, taken);
  try {
    if (at.type === "unix") await bindSocket(server, at.path);
    else await bound(server, () => server.listen({ host: at.host, port: at.port, backlog }));
  } catch (cause) {
    const where = at.type === "unix" ? at.path : `${at.host}:${at.port}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CountersignError("invalid_request", `Cannot listen for PostgreSQL clients on ${where}: ${why}`, { cause });
  }
  return { server, address: addressOf(server, at) };
}

async function bindSocket(server: Server, path: string): Promise<void> {
  // A folder that is there already may be others' too, e.g. /run/postgresql: then the file's mode alone keeps them out.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // What a killed predecessor left; the lock on the data folder says that nobody serves it.
  await rm(path, { force: true });
  await bound(server, () => {
    // The socket's file is made before `listen` returns.
    const umask = process.umask(0o177);
    try {
      server.listen({ path, backlog });
    } finally {
      process.umask(umask);
    }
  });
}

async function bound(server: Server, listen: () => void): Promise<void> {
  const listening = once(server, "listening");
  listen();
  await listening;
}

function addressOf(server: Server, at: PostgresAddress): string {
  if (at.type === "unix") return `unix://${at.path}`;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return `${isIP(at.host) === 6 ? `[${at.host}]` : at.host}:${port}`;
}
