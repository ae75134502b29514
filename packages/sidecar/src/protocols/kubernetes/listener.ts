import { CountersignError, withoutImpersonation } from "@countersign/policy";
import type { OpenNative } from "../../native/listener.ts";
import type { EntryKind, Route } from "../request/entry/entry-kind.ts";
import { type EntryBounds, type ListenAt, listenForRequests } from "../request/entry/listening.ts";
import { podUpgrades } from "./pod-upgrades.ts";
import { status } from "./status.ts";
import { isPodStream, takesInput } from "./stream/pod.ts";

/** One listener as configured. Clients send tokens, and kubectl sends none without TLS. */
export interface KubernetesListen extends Required<ListenAt> {
  /** Of every request; absent = the cluster that the path begins with, `/clusters/NAME`. */
  readonly resource?: string;
}

/** How kubectl and client libraries are served. */
interface KubernetesClientsOptions {
  readonly listen: readonly KubernetesListen[];
  readonly bounds: EntryBounds;
}

/** The ways in for kubectl and client libraries, one for each that is configured. */
export function openKubernetesClients({ listen, bounds }: KubernetesClientsOptions): readonly OpenNative[] {
  return listen.map((one) => (host) => listenForRequests(host, kubernetesEntry(one), one, bounds));
}

/** Where a cluster is on a listener that has several. */
export function clusterPath(resource: string): string {
  return `/clusters/${resource}`;
}

/** In letters as they are: a name that is written in another way is none. */
const prefix = /^\/clusters\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})(?=\/)/;

/** What a reverse proxy in front of the listener adds about its own client (RFC 7239); it is nothing that was asked for, and the target does not get it. */
const ofProxies = /^(?:x-forwarded-(?:for|host|port|proto)|x-real-ip|forwarded|via)$/;

function kubernetesEntry({ resource }: KubernetesListen): EntryKind {
  return {
    protocol: "kubernetes",
    route: ({ url = "" }) => (resource === undefined ? routeOf(url) : { resource, path: url }),
    isForeign: ({ name, type }) => {
      if (type !== "kubernetes") throw new CountersignError("unknown_resource", `${name} is no Kubernetes cluster.`);
      // Other headers that say who asks stay, and classification refuses them: they are no mistake to be put right.
      return (name) => ofProxies.test(name);
    },
    operation: ({ streamed, headers: given, ...message }) => {
      // Removed, but not in silence: what was asked for is bound, and a change that was asked for as somebody else is opaque (k8s-wide).
      const headers = withoutImpersonation(given);
      const operation = { kind: "kubernetes.request", ...message, headers } as const;
      // What a session has no ears for is not streamed to it.
      return streamed && takesInput(operation) ? { ...operation, streamed } : operation;
    },
    upgrade: podUpgrades,
    // Without its own Upgrade it is none: an answer has no room for a session (k8s-retry).
    refuses: (operation) =>
      operation.kind === "kubernetes.request" && isPodStream(operation)
        ? "exec, attach and port-forward take a WebSocket: kubectl 1.31 or newer (before it, KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true)."
        : undefined,
    refusalForm: status,
    fieldsOfHeld: (id) => [["warning", `299 - "Countersign: somebody approved this request, ${id}"`]],
    tellsWhere: false,
    marksWrites: true,
  };
}

function routeOf(url: string): Route {
  const [found = "", resource] = prefix.exec(url) ?? [];
  if (resource !== undefined) return { resource, path: url.slice(found.length) };
  throw new CountersignError(
    "unknown_resource",
    "This listener has several clusters: paths begin with /clusters/NAME. `countersign kubeconfig NAME` writes the server's address so; kubectl's --raw leaves it out, so write it there, too.",
  );
}
