/**
 * Kubernetes clusters: sends one request for each action, for agents and for kubectl and client libraries.
 *
 * @packageDocumentation
 */

export { openKubernetesConnector } from "./connector.ts";
export { openKubernetesEvidence } from "./evidence/evidence.ts";
export { clusterPath, type KubernetesListen, openKubernetesClients } from "./listener.ts";
export { openOwnAuthority } from "./own-authority.ts";
export { kubernetesResourceSchema, kubernetesWarnings } from "./resource.ts";
