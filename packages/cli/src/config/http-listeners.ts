import type { HttpListen } from "@countersign/sidecar";
import type { Addresses } from "../instance.ts";
import { hostAndPort, tlsFile } from "./agents.ts";
import type { Config } from "./load.ts";

/**
 * The configured listeners for HTTP clients.
 *
 * @throws {CliError} usage, for a TLS file that cannot be read.
 */
export async function httpListens(config: Config): Promise<readonly HttpListen[]> {
  return await Promise.all(
    config.settings.sidecar.http.map(async ({ tcp, tls, resource, hosts }): Promise<HttpListen> => {
      const files = tls && { cert: await tlsFile(config, tls.cert), key: await tlsFile(config, tls.key) };
      return { address: hostAndPort(tcp), hosts, ...(resource !== undefined && { resource }), ...(files && { tls: files }) };
    }),
  );
}

/** What clients get as their base URL. */
export function reachableHttp(listens: readonly HttpListen[], addresses: readonly string[]): Addresses["http"] {
  return listens.flatMap(({ tls }, index) => {
    const address = addresses[index];
    return address === undefined ? [] : [{ url: `${tls === undefined ? "http" : "https"}://${address}` }];
  });
}
