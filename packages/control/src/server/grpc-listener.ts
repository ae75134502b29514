import { chmod, lstat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { descriptorSet } from "@countersign/rpc";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import { ControlPlaneError } from "../control-plane-error.ts";
import { privateFolder } from "../keys.ts";

/** The longest path of a socket, bytes (sun_path of unix(7), less its final zero; the shorter one of Linux and macOS). */
const longestSocketPath = 103;
/** How long calls may go on after the server was told to stop, milliseconds. */
const graceMs = 1_000;

/** Adds gRPC health and reflection for a service. */
export function addOperations(server: Server, service: string): void {
  new HealthImplementation({ "": "SERVING", [service]: "SERVING" }).addToServer(server);
  const definitions = loadFileDescriptorSetFromBuffer(Buffer.from(descriptorSet));
  new ReflectionService(definitions, { services: [service] }).addToServer(server);
}

/**
 * Listens on a Unix socket that only this user can reach: 0600 in a 0700 folder. A socket that a killed process left is replaced; the
 * caller holds the data folder's lock, so nobody is behind it.
 *
 * @throws {ControlPlaneError} `address_unusable` or `folder_unsafe`.
 */
export async function listenOnSocket(server: Server, path: string): Promise<string> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new ControlPlaneError(
      "address_unusable",
      `The socket path ${path} is longer than ${longestSocketPath} bytes. Use a data folder with a shorter path.`,
    );
  }
  privateFolder(dirname(path));
  await removeStale(path);
  await bind(server, `unix:${path}`);
  // The folder was closed to others before, so there was no moment in which they could connect.
  await chmod(path, 0o600);
  return `unix://${path}`;
}

/**
 * Listens on a loopback port; there is no TLS here, so nothing else is offered.
 *
 * @param port - 0 picks a free one.
 * @throws {ControlPlaneError} `address_unusable`.
 */
export async function listenOnLoopback(server: Server, port: number): Promise<string> {
  return `127.0.0.1:${await bind(server, `127.0.0.1:${port}`)}`;
}

/** Stops a server: new calls are refused, running ones get a moment. */
export async function stopServer(server: Server): Promise<void> {
  const force = setTimeout(() => server.forceShutdown(), graceMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(force);
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new ControlPlaneError("address_unusable", `Cannot listen on ${address}: ${error.message}.`, error));
    });
  });
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ControlPlaneError("address_unusable", `${path} is there and is not a socket. Move it away.`);
  await unlink(path);
}
