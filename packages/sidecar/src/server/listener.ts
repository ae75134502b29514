import { chmod, mkdir, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname } from "node:path";
import { CountersignError } from "@countersign/policy";
import { descriptorSet } from "@countersign/rpc";
import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import type { AgentService } from "./agent-service.ts";
import { agentMethods } from "./methods.ts";

/** Where agents connect. */
export type ListenAddress =
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp"; readonly host: string; readonly port: number; readonly tls: TlsFiles };

/** PEM texts of a TLS server. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** When given, clients must present a certificate that it signed. */
  readonly clientCa?: string;
}

/** An open listener. */
export interface Listener {
  /** `unix:///…` or `host:port`: what a client dials. */
  readonly address: string;
  /** Refuses new calls, lets running ones end within the grace, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** The longest path that a Unix socket can have (sun_path, unix(7)), bytes. */
const longestSocketPath = 107;
/** Clients gather small frames of a shared stream into messages of about 64 KiB, whatever a single call may hold, bytes. */
const leastMessageBytes = 256 * 1024;

/**
 * Opens one listener for agents with AgentService, gRPC health and reflection. A Unix socket is made 0600 in a 0700 folder.
 *
 * @throws {CountersignError} `invalid_request` when the address cannot be used.
 */
export async function listen(at: ListenAddress, service: AgentService, largestMessage: number): Promise<Listener> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": Math.max(largestMessage, leastMessageBytes),
    // A peer that vanished without a word must not hold a request for ever.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 20_000,
  });
  server.addService(agentMethods, service.handlers);
  const names = ["", "countersign.v1.AgentService"];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING" as const])));
  health.addToServer(server);
  new ReflectionService(loadFileDescriptorSetFromBuffer(Buffer.from(descriptorSet)), {
    services: ["countersign.v1.AgentService"],
  }).addToServer(server);
  const address = at.type === "unix" ? await bindSocket(server, at.path) : await bindTcp(server, at);
  return {
    address,
    async close(graceMs) {
      for (const name of names) health.setStatus(name, "NOT_SERVING");
      service.close();
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const timer = setTimeout(() => server.forceShutdown(), graceMs);
      await closed;
      clearTimeout(timer);
      if (at.type === "unix") await rm(at.path, { force: true });
    },
  };
}

async function bindSocket(server: grpc.Server, path: string): Promise<string> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new CountersignError(
      "invalid_request",
      `The socket path ${path} is longer than ${longestSocketPath} bytes; configure a shorter one (sidecar.listen).`,
    );
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  // What a killed predecessor left; the lock on the data folder says that nobody serves it.
  await rm(path, { force: true });
  const umask = process.umask(0o177);
  try {
    await bind(server, `unix:${path}`, grpc.ServerCredentials.createInsecure());
  } finally {
    process.umask(umask);
  }
  return `unix://${path}`;
}

async function bindTcp(server: grpc.Server, { host, port, tls }: Extract<ListenAddress, { type: "tcp" }>): Promise<string> {
  const { cert, key, clientCa } = tls;
  const credentials = grpc.ServerCredentials.createSsl(
    clientCa === undefined ? null : Buffer.from(clientCa),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  );
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return `${name}:${await bind(server, `${name}:${port}`, credentials)}`;
}

function bind(server: grpc.Server, address: string, credentials: grpc.ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new CountersignError("invalid_request", `Cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}
