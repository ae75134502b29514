import { readFileSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { type CredentialContext, openCredential } from "../../credentials/source.ts";
import { parseAddress } from "./address.ts";
import type { ConnectOptions } from "./connect.ts";
import { pinsOf } from "./pins.ts";
import type { PostgresResource } from "./resource.ts";

const maxMessageBytes = 16 * 1024 * 1024;

/**
 * How to connect for each role of a resource.
 *
 * @param maxRowBytes The largest row that is taken from the server.
 * @throws {Error} when the file of the certificate authority cannot be read.
 */
export function loginsOf(
  resource: PostgresResource,
  context: CredentialContext,
  maxRowBytes: number,
): ReadonlyMap<string, ConnectOptions> {
  const address = parseAddress(resource.address);
  const tls = tlsOf(resource, address.host, context.folder);
  const base = {
    address,
    database: resource.database,
    ...(tls ? { tls } : {}),
    pins: pinsOf(resource.searchPath),
    timeoutMs: resource.pool.connectTimeoutMs,
    caps: { row: maxRowBytes, other: maxMessageBytes },
  };
  return new Map(
    Object.entries(resource.roles).map(([role, { user, password }]) => {
      const credential = openCredential(password, context);
      return [role, { ...base, user, password: () => credential.read() }];
    }),
  );
}

function tlsOf({ tls }: PostgresResource, host: string, folder: string): { serverName: string; ca?: string } | undefined {
  if (tls === "disable") return undefined;
  const { ca, serverName = host } = tls === "verify-full" ? {} : tls;
  if (ca === undefined) return { serverName };
  return { serverName, ca: typeof ca === "string" ? ca : readFileSync(resolvePath(folder, ca.file), "utf8") };
}
