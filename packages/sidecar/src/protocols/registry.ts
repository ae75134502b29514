import { z } from "zod";
import type { CredentialContext } from "../credentials/source.ts";
import type { EvidenceSource } from "../evidence/evidence-source.ts";
import type { ApiInForce, GuardedResource } from "../resources.ts";
import type { Connector } from "./connector.ts";
import { ApiSource, httpResourceSchema, httpWarnings, openHttpConnector } from "./http/index.ts";
import {
  kubernetesResourceSchema,
  kubernetesWarnings,
  openKubernetesConnector,
  openKubernetesEvidence,
} from "./kubernetes/index.ts";
import { openPostgresConnector, openPostgresEvidence, postgresResourceSchema } from "./postgres/index.ts";
import { type LoginContext, openSshConnector, openSshEvidence, sshResourceSchema, sshWarnings } from "./ssh/index.ts";

/** One of `resources` in countersign.yaml, by its `type`. */
export const resourceSchema = z.discriminatedUnion("type", [
  postgresResourceSchema,
  sshResourceSchema,
  kubernetesResourceSchema,
  httpResourceSchema,
]);

/** A resource as configured, defaults filled in. */
export type ConfiguredResource = z.output<typeof resourceSchema>;

/** What resources are opened with: where credentials come from, and what makes them. */
export interface ResourceContext extends CredentialContext, LoginContext {}

/** A resource's own context: also what classification knows of it, which is part of what is approved. */
interface OwnContext extends ResourceContext {
  readonly api?: ApiInForce;
}

/** How the way to a resource of one protocol is opened. The seam that a new protocol is registered at. */
interface ProtocolEntry<Resource> {
  /** @throws {Error} when a file that it names cannot be read. */
  readonly openConnector: (resource: Resource, context: OwnContext) => Connector;
  /** What can tell approvers of an operation without doing it; absent = nothing can. */
  readonly openEvidence?: (resource: Resource, context: ResourceContext) => EvidenceSource | undefined;
  /** What classification has to know of it; absent = nothing. @throws {Error} when a document that it names cannot be used. */
  readonly openApi?: (resource: Resource, folder: string) => ApiInForce;
  /** What its configuration cannot promise, one sentence each. */
  readonly warnings?: (resource: Resource) => readonly string[];
}

type Type = ConfiguredResource["type"];
type Configured = { [Name in Type]: Extract<ConfiguredResource, { type: Name }> };

const registry: { readonly [Name in Type]: ProtocolEntry<Configured[Name]> } = {
  postgres: { openConnector: openPostgresConnector, openEvidence: openPostgresEvidence },
  ssh: { openConnector: openSshConnector, openEvidence: openSshEvidence, warnings: sshWarnings },
  kubernetes: { openConnector: openKubernetesConnector, openEvidence: openKubernetesEvidence, warnings: kubernetesWarnings },
  http: {
    openConnector: openHttpConnector,
    openApi: (resource, folder) => new ApiSource(resource, folder),
    warnings: httpWarnings,
  },
};

/**
 * Opens the way to a configured resource. Nothing is connected before somebody asks for it.
 *
 * @throws {Error} when a file that it names cannot be read.
 */
export function openResource(resource: ConfiguredResource, context: ResourceContext): GuardedResource {
  const { name, type, labels, roles } = resource;
  return {
    ...{ name, type, labels, roles: Object.keys(roles) },
    ...("searchPath" in resource ? { searchPath: resource.searchPath } : {}),
    ...("origin" in resource ? { origin: resource.origin } : {}),
    ...waysTo(type, resource, context),
  };
}

function waysTo<Name extends Type>(type: Name, resource: Configured[Name], context: ResourceContext) {
  const { openConnector, openEvidence, openApi, warnings = () => [] } = registry[type];
  const api = openApi?.(resource, context.folder);
  const evidence = openEvidence?.(resource, context);
  return {
    ...(api && { api }),
    ...{
      connector: openConnector(resource, { ...context, ...(api && { api }) }),
      ...(evidence && { evidence }),
      warnings: warnings(resource),
    },
  };
}
