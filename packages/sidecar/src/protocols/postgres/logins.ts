import { readFileSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { type CredentialContext, openCredential } from "../../credentials/source.ts";
import { parseAddress } from "./address.ts";
import type { ConnectOptions, TlsTarget } from "./connect.ts";
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
    pins: pinsOf(resource.searchPath),
    timeoutMs: resource.pool.connectTimeoutMs,
    caps: { row: maxRowBytes, other: maxMessageBytes },
  };
  return new Map(
    Object.entries(resource.roles).map(([role, { user, password, certificate }]) => {
      const credential = password && openCredential(password, context);
      const shown = certificate && certificateOf(certificate, context);
      return [
        role,
        {
          ...base,
          user,
          ...(tls && { tls: { ...tls, ...(shown && { certificate: shown }) } }),
          ...(credential && { password: () => credential.read() }),
        },
      ];
    }),
  );
}

/** Read at every connect, so that a renewed certificate is taken up together with its key. */
function certificateOf(
  { cert, key }: NonNullable<PostgresResource["roles"][string]["certificate"]>,
  context: CredentialContext,
): NonNullable<TlsTarget["certificate"]> {
  const credential = openCredential(key, context);
  return async () => ({ cert: pemOf(cert, context.folder), key: await credential.read() });
}

function pemOf(pem: string | { readonly file: string }, folder: string): string {
  return typeof pem === "string" ? pem : readFileSync(resolvePath(folder, pem.file), "utf8");
}

function tlsOf({ tls }: PostgresResource, host: string, folder: string): TlsTarget | undefined {
  if (tls === "disable") return undefined;
  const { ca, serverName = host } = tls === "verify-full" ? {} : tls;
  if (ca === undefined) return { serverName };
  return { serverName, ca: pemOf(ca, folder) };
}
