import { loadParser, loadPolicy, type Policy, PolicyError } from "@countersign/policy";
import { readText } from "../named-file.ts";
import type { Config } from "./load.ts";

/**
 * Reads the configured policy files, and the SQL parser that decisions need.
 *
 * @throws {PolicyError} with the place of every mistake.
 * @throws {CliError} usage, when a file cannot be read.
 */
export async function readPolicy(config: Config): Promise<Policy> {
  const { policy } = config.settings;
  const configured = typeof policy === "string" ? [policy] : policy;
  const files = await Promise.all(
    configured.map(async (path) => [path, await readText(config.path(path), `the policy that ${config.file} names`)] as const),
  );
  await loadParser();
  try {
    // By their names in the configuration: the policy's digest covers them, and must not depend on where the folder is.
    return loadPolicy(Object.fromEntries(files));
  } catch (error) {
    throw error instanceof PolicyError
      ? new PolicyError(error.problems.map((one) => ({ ...one, file: config.path(one.file) })))
      : error;
  }
}
