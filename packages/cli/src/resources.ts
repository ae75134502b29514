import { randomBytes } from "node:crypto";
import { type GuardedResource, openResource, type ResourceContext } from "@countersign/sidecar";
import type { Config } from "./config/load.ts";
import { openStore } from "./credential-store.ts";
import { sshAuthority } from "./ssh-authority.ts";

/** What resources need of this machine. */
export interface ResourcesOptions {
  /** Where `{ env: NAME }` credentials come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The wall clock. */
  readonly now: () => number;
}

/**
 * Opens the way to every configured resource. Nothing is connected before an agent asks for it.
 *
 * @throws {Error} when the file of a certificate authority cannot be read.
 */
export async function openResources(config: Config, { environment, now }: ResourcesOptions): Promise<readonly GuardedResource[]> {
  const context: ResourceContext = {
    ...{ folder: config.path("."), env: environment, store: await openStore(config.data) },
    ...{ sshAuthority: sshAuthority(config.data, now), wallMs: now, random: randomBytes },
  };
  return config.settings.resources.map((resource) => openResource(resource, context));
}
