import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Policy } from "@countersign/policy";
import type { Command } from "commander";
import { type Config, loadConfig } from "../../config/load.ts";
import { loadPolicyFiles, readPolicy } from "../../config/policy.ts";
import { CliError, exitCodes } from "../../exit.ts";
import { configFile } from "../../instance.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { collect } from "../command.ts";

/** Which rules a command is about. */
export interface PolicyOptions {
  readonly policy?: readonly string[];
  readonly config?: string;
}

/** Adds `--policy` and `--config`. */
export function withPolicy(command: Command): Command {
  return command
    .option("--policy <FILE>", "a policy file; repeat it for several (default: those of the configuration)", collect)
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no --policy is given)");
}

/** Rules that were read, and the configuration where there is one. */
export interface OpenPolicy {
  readonly policy: Policy;
  readonly config?: Config;
}

/**
 * Reads the rules that a command line names, and loads the parsers that classification needs.
 *
 * @throws {PolicyError} with the place of every mistake.
 * @throws {DocumentError} for a mistake in the configuration.
 * @throws {CliError} usage, when no policy is named.
 */
export async function openPolicy(terminal: Terminal, options: PolicyOptions): Promise<OpenPolicy> {
  const config = await namedConfig(terminal, options);
  if (options.policy !== undefined) {
    const policy = await loadPolicyFiles(options.policy.map((path) => resolve(terminal.cwd, path)));
    return { policy, ...(config && { config }) };
  }
  if (config) return { policy: await readPolicy(config), config };
  throw new CliError(
    exitCodes.usage,
    `No policy is named, and there is no ${configFile(terminal, options)}. Give --policy FILE, or --config FILE.`,
  );
}

/** The configuration that a command line means: `--config`, or without `--policy` the one that is here. */
async function namedConfig(terminal: Terminal, options: PolicyOptions): Promise<Config | undefined> {
  const file = configFile(terminal, options);
  if (options.config !== undefined) return await loadConfig(file);
  return options.policy === undefined && existsSync(file) ? await loadConfig(file) : undefined;
}
