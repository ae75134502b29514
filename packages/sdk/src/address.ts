import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { CountersignError } from "./errors.ts";

/** TLS to a sidecar on another machine, as PEM. */
export interface Tls {
  /** Who signed the sidecar's certificate; the system's roots when absent. */
  readonly ca?: string | Uint8Array;
  /** This agent's own certificate and key, where the sidecar asks for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

/** How grpc-js is set up. */
export const channelOptions: ChannelOptions = {
  // A row may be as large as PostgreSQL and the policy's limits let it be.
  "grpc.max_receive_message_length": -1,
  // Comes back quickly after a restart of the sidecar: people's approvals wait for it.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2000,
  // A call may be held for hours: notice a peer that vanished without a word.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // The sidecar is addressed directly: neither DNS TXT records nor a proxy from the environment come between.
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
  // What the sidecar may send before it hears of what was taken, bytes: HTTP/2's own 64 KiB stops a long result again and again.
  "grpc-node.flow_control_window": 1024 * 1024,
  // Each client owns its connection, so that `close` closes it.
  "grpc.use_local_subchannel_pool": 1,
};

/**
 * How to reach an address: plaintext on a Unix socket or the loopback interface, TLS to anywhere else.
 *
 * @throws {CountersignError} `invalid_request` for an address of another form, or a distant one without TLS.
 */
export function channelCredentials(address: string, tls: Tls | undefined): ChannelCredentials {
  if (/^unix:(\/\/)?\//.test(address)) return credentials.createInsecure();
  const host = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/.exec(address)?.[1];
  if (host === undefined) {
    throw new CountersignError("invalid_request", `"${address}" is not an address; use unix:///path/to/agent.sock or host:port.`);
  }
  if (tls !== undefined) return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)) return credentials.createInsecure();
  throw new CountersignError(
    "invalid_request",
    `${address} is another machine: set \`tls\` ({} for the system's roots), or tokens travel readable.`,
  );
}

function pem(text: string | Uint8Array | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}
