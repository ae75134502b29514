import { Countersign, type CountersignOptions } from "@countersign/sdk";
import { dataFolder, type InstanceOptions, readAddresses } from "./instance.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** How an agent's command is told where the sidecar is. */
export interface AgentOptions extends InstanceOptions {
  readonly address?: string;
}

/**
 * Connects to the sidecar as an agent: at `--address` or COUNTERSIGN_ADDRESS, else at the first listener of the running instance; with
 * COUNTERSIGN_TOKEN, or as whoever the socket stands for.
 *
 * @throws {CliError} unreachable, when no instance runs.
 */
export async function connectAgent(
  terminal: Terminal,
  options: AgentOptions,
  settings: Pick<CountersignOptions, "session" | "types"> = {},
): Promise<Countersign> {
  const address = options.address ?? (await firstListener(terminal, options));
  const token = terminal.env.COUNTERSIGN_TOKEN;
  return new Countersign({ address, ...(token ? { token } : {}), ...settings });
}

async function firstListener(terminal: Terminal, options: InstanceOptions): Promise<string> {
  const { agent } = await readAddresses(dataFolder(terminal, options));
  return agent[0];
}
