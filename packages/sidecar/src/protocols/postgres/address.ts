import { isIP } from "node:net";

/** Where a server listens, in the form that `pg` takes: for a Unix socket `host` is its folder. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly unix: boolean;
}

const defaultPort = 5432;

/**
 * Reads `host`, `host:port`, `[v6]:port`, a socket's folder (`/run/postgresql`) or its file (`/run/postgresql/.s.PGSQL.5432`).
 *
 * @throws {RangeError} for anything else.
 */
export function parseAddress(text: string): Address {
  const socket = /^(?:unix:)?(\/.*?)(?:\/\.s\.PGSQL\.(\d+))?\/?$/.exec(text);
  if (socket?.[1]) return { host: socket[1], port: Number(socket[2] ?? defaultPort), unix: true };
  const tcp = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3] ?? defaultPort);
  if (!host || (tcp?.[1] && isIP(host) !== 6) || port < 1 || port > 65535) {
    throw new RangeError(`${JSON.stringify(text)} is not host:port, [IPv6]:port or the path of a Unix socket`);
  }
  return { host, port, unix: false };
}

/** The one way to write an address, so that the same target always has the same identity. */
export function formatAddress({ host, port, unix }: Address): string {
  if (unix) return `${host}/.s.PGSQL.${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host.toLowerCase()}:${port}`;
}

/** Whether nobody outside this machine can be on the way to it. */
export function isLocal({ host, unix }: Address): boolean {
  return unix || host.toLowerCase() === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
