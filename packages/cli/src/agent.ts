import { resolve } from "node:path";
import { Countersign, type CountersignOptions } from "@countersign/sdk";
import { dataFolder, type InstanceOptions, readAddresses } from "./instance.ts";
import { readText } from "./named-file.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** How an agent's command is told where the sidecar is. */
export interface AgentOptions extends InstanceOptions {
  readonly address?: string;
  readonly tlsCa?: string;
}

/**
 * Connects to the sidecar as an agent: at `--address` or COUNTERSIGN_ADDRESS, else at the first listener of the running instance; with
 * COUNTERSIGN_TOKEN, or as whoever the socket stands for.
 *
 * @throws {CliError} unreachable, when no instance runs; usage, when the certificate authority cannot be read.
 */
export async function connectAgent(
  terminal: Terminal,
  options: AgentOptions,
  settings: Pick<CountersignOptions, "session" | "types"> = {},
): Promise<Countersign> {
  const address = options.address ?? (await firstListener(terminal, options));
  const token = terminal.env.COUNTERSIGN_TOKEN;
  const tls = await tlsFor(terminal, address, options.tlsCa);
  return new Countersign({ address, ...(token && { token }), ...(tls && { tls }), ...settings });
}

/** A sidecar speaks plain gRPC on Unix sockets and TLS on everything else. */
async function tlsFor(terminal: Terminal, address: string, caFile: string | undefined): Promise<CountersignOptions["tls"]> {
  if (address.startsWith("unix:")) return undefined;
  return caFile === undefined ? {} : { ca: await readText(resolve(terminal.cwd, caFile), "the certificate authority") };
}

async function firstListener(terminal: Terminal, options: InstanceOptions): Promise<string> {
  const { agent } = await readAddresses(dataFolder(terminal, options));
  return agent[0];
}
