import { join } from "node:path";
import { openHostKey, parseKeyLine, type SshListen } from "@countersign/sidecar";
import type { Addresses } from "../instance.ts";
import { hostAndPort, socketIdentity } from "./agents.ts";
import type { Config } from "./load.ts";

/** What a listener is opened with, and what its clients pin. */
export interface SshListenWithKey {
  readonly listen: SshListen;
  /** Its public key, as in known_hosts without the name. */
  readonly hostKey: string;
}

/**
 * The configured listeners for SSH clients.
 *
 * @throws {CountersignError} `invalid_request` for a host key that is none, or that others can read.
 */
export async function sshListens(config: Config): Promise<readonly SshListenWithKey[]> {
  return await Promise.all(
    config.settings.sidecar.ssh.map(async ({ tcp, hostKey, keys, authorities }) => {
      const { privateKey, line } = await openHostKey(
        hostKey === undefined ? join(config.data, "ssh-host-key") : config.path(hostKey),
      );
      const registered = keys.map(({ key, principal }) => ({
        key: parseKeyLine(key),
        principal: { ...socketIdentity(principal), issuer: "ssh" },
      }));
      const listen = {
        address: hostAndPort(tcp),
        hostKey: privateKey,
        keys: registered,
        authorities: authorities.map(parseKeyLine),
      };
      return { listen, hostKey: line };
    }),
  );
}

/** What clients dial and pin, for those who look for a running instance. */
export function reachableSsh(listens: readonly SshListenWithKey[], addresses: readonly string[]): Addresses["ssh"] {
  return listens.flatMap(({ hostKey }, index) => {
    const address = addresses[index];
    return address === undefined ? [] : [{ address, hostKey }];
  });
}
