import { type GuardedResource, openResource } from "@countersign/sidecar";
import type { Config } from "./config/load.ts";
import { openStore } from "./credential-store.ts";

/**
 * Opens the way to every configured resource. Nothing is connected before an agent asks for it.
 *
 * @throws {Error} when the file of a certificate authority cannot be read.
 */
export async function openResources(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly GuardedResource[]> {
  const context = { folder: config.path("."), env: environment, store: await openStore(config.data) };
  return config.settings.resources.map((resource) => openResource(resource, context));
}
