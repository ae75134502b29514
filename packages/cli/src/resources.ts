import { type GuardedResource, openPostgresConnector, openPostgresEvidence } from "@countersign/sidecar";
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
  const { resources } = config.settings;
  const context = { folder: config.path("."), env: environment, store: await openStore(config.data) };
  return resources.map((resource) => ({
    name: resource.name,
    type: resource.type,
    labels: resource.labels,
    roles: Object.keys(resource.roles),
    searchPath: resource.searchPath,
    connector: openPostgresConnector(resource, context),
    evidence: openPostgresEvidence(resource, context),
  }));
}
