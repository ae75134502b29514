/**
 * The sidecar: holds the credentials, guards every call, executes what is approved.
 *
 * @packageDocumentation
 */

export type { ControlPlane } from "./control-plane.ts";
export { type CredentialStore, openCredentialStore, openKeyFile, Secret } from "./credentials/index.ts";
export type { EvidenceSource, EvidenceWish } from "./evidence/evidence-source.ts";
export type { GuardLimits } from "./guard.ts";
export type { Issuer } from "./identity/tokens.ts";
export type { NativeHost, NativeListener, OpenNative } from "./native/listener.ts";
export { PolicySource } from "./policy-source/policy-source.ts";
export type { Connector, Dispatch, DispatchOptions, ResultChunk, ResultSink } from "./protocols/connector.ts";
export { type HttpListen, openHttpClients, readHttpApi } from "./protocols/http/index.ts";
export { clusterPath, type KubernetesListen, openKubernetesClients, openOwnAuthority } from "./protocols/kubernetes/index.ts";
export {
  type ListenerAddress,
  openLocalPort,
  openPostgresClients,
  openPostgresConnector,
  openPostgresEvidence,
  type PostgresListen,
  type PostgresResource,
  type PostgresTarget,
  postgresResourceSchema,
} from "./protocols/postgres/index.ts";
export { type ConfiguredResource, openResource, type ResourceContext, resourceSchema } from "./protocols/registry.ts";
export {
  type AuthorityKey,
  type AuthorityStep,
  FileAuthority,
  openHostKey,
  openSshClients,
  parseKeyLine,
  type SshListen,
} from "./protocols/ssh/index.ts";
export type { GuardedResource } from "./resources.ts";
export type { ListenAddress, TlsFiles } from "./server/listener.ts";
export { type Sidecar, type SidecarOptions, startSidecar } from "./sidecar.ts";
export { type OnStep, recoverySteps, replacingSteps, type Step, steps } from "./step.ts";
