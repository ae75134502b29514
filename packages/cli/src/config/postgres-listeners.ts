import { basename, join } from "node:path";
import type { PostgresListen } from "@countersign/sidecar";
import type { Addresses } from "../instance.ts";
import { readText } from "../named-file.ts";
import { socketPath } from "../run-folder.ts";
import { hostAndPort, socketIdentity } from "./agents.ts";
import type { Config } from "./load.ts";

type Configured = Config["settings"]["sidecar"]["postgres"][number];

/** How PostgreSQL's clients find a socket in a folder: by this name with a port. */
const socketFile = /^\.s\.PGSQL\.\d{1,5}$/;
const defaultFile = ".s.PGSQL.5432";

/** The names of the configured sockets that are placed in the socket folder, relative to it. */
export function bareSocketNames({ settings }: Config): readonly string[] {
  return settings.sidecar.postgres.flatMap(({ unix }) => (unix !== undefined && basename(unix) === unix ? [withFile(unix)] : []));
}

/**
 * The configured listeners for PostgreSQL's clients.
 *
 * @param sockets the folder of sockets with a bare name.
 * @throws {CliError} usage, for a socket path that is too long or a TLS file that cannot be read.
 */
export async function postgresListens(config: Config, sockets: string): Promise<readonly PostgresListen[]> {
  return await Promise.all(config.settings.sidecar.postgres.map((one) => listenOf(config, sockets, one)));
}

async function listenOf(config: Config, sockets: string, configured: Configured): Promise<PostgresListen> {
  const { unix, principal, tcp, tls, noticeEvery: noticeMs } = configured;
  const notice = noticeMs === undefined ? {} : { noticeMs };
  if (unix !== undefined) {
    const folder = basename(unix) === unix ? join(sockets, unix) : unix;
    const path = socketPath(sockets, config.path("."), withFile(folder));
    return { ...notice, address: { type: "unix", path }, ...(principal && { identity: socketIdentity(principal) }) };
  }
  // The schema lets nothing else through.
  if (tcp === undefined) throw new TypeError("a listener is neither unix nor tcp");
  const { host, port } = hostAndPort(tcp);
  if (tls === undefined) return { ...notice, address: { type: "tcp", host, port } };
  const read = (file: string): Promise<string> => readText(config.path(file), `a TLS file that ${config.file} names`);
  const [cert, key, clientCa] = await Promise.all([read(tls.cert), read(tls.key), tls.clientCa && read(tls.clientCa)]);
  return { ...notice, address: { type: "tcp", host, port, tls: { cert, key, ...(clientCa && { clientCa }) } } };
}

/** What clients dial and what they need, for those who look for a running instance. */
export function reachable(listens: readonly PostgresListen[], addresses: readonly string[]): Addresses["postgres"] {
  return listens.flatMap(({ address: at, identity }, index) => {
    const address = addresses[index];
    return address === undefined
      ? []
      : [{ address, tls: at.type === "tcp" && at.tls !== undefined, needsToken: identity === undefined }];
  });
}

function withFile(path: string): string {
  return socketFile.test(basename(path)) ? path : join(path, defaultFile);
}
