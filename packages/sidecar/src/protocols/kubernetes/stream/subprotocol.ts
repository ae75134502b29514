/** The versions of remotecommand over WebSocket that are understood, the best first (k8s.io/apimachinery/pkg/util/remotecommand/constants.go). */
export const versions = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

/** One of {@link versions}. Only v5 can say that the input has ended. */
export type StreamVersion = (typeof versions)[number];

/** Whether it is one of {@link versions}. */
export function isStreamVersion(name: string): name is StreamVersion {
  return versions.some((one) => one === name);
}

/** Ports: kubectl tunnels SPDY through the WebSocket (KEP-4006), client libraries have a channel for each. */
export const forwarding = ["SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"] as const;
