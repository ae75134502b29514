import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { loadToLookAt, type Policy, type ReadPolicy } from "@countersign/policy";
import { type Config, loadConfig } from "../../config/load.ts";
import { configuredPolicy, readNamed } from "../../config/policy.ts";
import { CliError, exitCodes } from "../../exit.ts";
import { configFile } from "../../instance.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { policyFiles } from "./folder-files.ts";
import type { PolicyOptions } from "./policy-options.ts";

/** Where rules come from, and the configuration where there is one. */
export interface PolicySource {
  readonly read: ReadPolicy;
  readonly config?: Config;
}

/**
 * Finds the rules that a command line names.
 *
 * @throws {DocumentError} for a mistake in the configuration.
 * @throws {CliError} usage, when no policy is named.
 */
export async function policySource(terminal: Terminal, options: PolicyOptions): Promise<PolicySource> {
  const config = await namedConfig(terminal, options);
  if (options.policy !== undefined) {
    const paths = await Promise.all(options.policy.map((path) => policyFiles(resolve(terminal.cwd, path))));
    return { read: readNamed(paths.flat()), ...(config && { config }) };
  }
  if (config) return { read: configuredPolicy(config, terminal.now), config };
  throw new CliError(
    exitCodes.usage,
    `No policy is named, and there is no ${configFile(terminal, options)}. Name the policy file, or a configuration with --config FILE.`,
  );
}

/**
 * Reads the rules that a command line names, and loads the parsers that classification needs.
 *
 * @throws {PolicyError} with the place of every mistake.
 * @throws {DocumentError} and {CliError} as {@link policySource}.
 */
export async function openPolicy(terminal: Terminal, options: PolicyOptions): Promise<{ policy: Policy; config?: Config }> {
  const { read, ...source } = await policySource(terminal, options);
  return { policy: await loadToLookAt(await read()), ...source };
}

/** The configuration that a command line means: `--config`, or without `--policy` the one that is here. */
async function namedConfig(terminal: Terminal, options: PolicyOptions): Promise<Config | undefined> {
  const file = configFile(terminal, options);
  if (options.config !== undefined) return await loadConfig(file);
  return options.policy === undefined && existsSync(file) ? await loadConfig(file) : undefined;
}
