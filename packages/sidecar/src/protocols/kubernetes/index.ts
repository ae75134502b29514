/**
 * Kubernetes clusters: an API server for kubectl and client libraries, in front of the cluster's own.
 *
 * @packageDocumentation
 */

export { clusterPath, type KubernetesListen, openKubernetesClients } from "./listener.ts";
export { openOwnAuthority } from "./own-authority.ts";
