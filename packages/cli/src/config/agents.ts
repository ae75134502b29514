import type { KeyObject } from "node:crypto";
import { agentAudience, developmentIssuer } from "@countersign/control";
import type { Principal } from "@countersign/policy";
import type { Issuer, ListenAddress } from "@countersign/sidecar";
import { readText } from "../named-file.ts";
import { socketPath } from "../run-folder.ts";
import type { Config } from "./load.ts";

/** A listener for agents as the sidecar takes it. */
export interface AgentListener {
  readonly address: ListenAddress;
  /** Who everybody is that connects to it without a token. */
  readonly identity?: Principal;
}

/**
 * The configured listeners.
 *
 * @param sockets the folder of sockets with a bare name.
 * @throws {CliError} usage, for a socket path that is too long or a TLS file that cannot be read.
 */
export async function agentListeners(config: Config, sockets: string): Promise<readonly AgentListener[]> {
  return await Promise.all(
    config.settings.sidecar.listen.map(async ({ unix, principal, tcp, tls }, index): Promise<AgentListener> => {
      if (unix !== undefined) {
        const address = { type: "unix", path: socketPath(sockets, config.path("."), unix) } as const;
        return principal === undefined ? { address } : { address, identity: socketIdentity(principal) };
      }
      // The schema lets nothing else through.
      if (tcp === undefined || tls === undefined) throw new TypeError(`listener ${index} is neither unix nor tcp`);
      const [cert, key, clientCa] = await Promise.all([
        tlsFile(config, tls.cert),
        tlsFile(config, tls.key),
        tls.clientCa === undefined ? undefined : tlsFile(config, tls.clientCa),
      ]);
      const { host, port } = hostAndPort(tcp);
      return { address: { type: "tcp", host, port, tls: { cert, key, ...(clientCa !== undefined && { clientCa }) } } };
    }),
  );
}

/** The issuers whose tokens agents may send; in development the local one among them. */
export function agentIssuers({ settings: { identity } }: Config, developmentKey: KeyObject): readonly Issuer[] {
  const configured = identity.issuers.map(
    ({ issuer, audience, algorithms, jwksUrl, groupsClaim, ownerClaim }): Issuer => ({
      issuer,
      audience,
      algorithms,
      keys: jwksUrl === undefined ? { type: "discovery" } : { type: "jwks", url: jwksUrl },
      ...(groupsClaim !== undefined && { groupsClaim }),
      ...(ownerClaim !== undefined && { ownerClaim }),
    }),
  );
  const local: Issuer = {
    issuer: developmentIssuer,
    audience: agentAudience,
    algorithms: ["EdDSA"],
    keys: { type: "local", getKey: async () => developmentKey },
  };
  return identity.development ? [...configured, local] : configured;
}

/** Who everybody is that can open a socket. */
export function socketIdentity({ subject, groups }: { readonly subject: string; readonly groups: readonly string[] }): Principal {
  return { issuer: "unix", subject, groups: [...new Set(groups)].sort(), claims: {} };
}

/** The text of a TLS file. */
export async function tlsFile(config: Config, configured: string): Promise<string> {
  return await readText(config.path(configured), `a TLS file that ${config.file} names`);
}

/** The parts of an address that the schema has checked; the brackets of an IPv6 address are dropped. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
