import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseDocument } from "@countersign/policy";
import { CliError, exitCodes } from "../exit.ts";
import { type ConfigFile, configSchema } from "./schema.ts";

/** A configuration that was read and checked. */
export interface Config {
  /** The file; absolute. */
  readonly file: string;
  /** The data folder; absolute. */
  readonly data: string;
  readonly settings: ConfigFile;
  /** A path in the file as an absolute one: relative paths start at the file's folder. */
  readonly path: (configured: string) => string;
}

/**
 * Reads a configuration file.
 *
 * @param file absolute path.
 * @param data the data folder, when another than the file's is wanted; relative to the working folder.
 * @throws {CliError} usage, when it cannot be read.
 * @throws {DocumentError} with the place of every mistake, and what is expected there.
 */
export async function loadConfig(file: string, data?: string): Promise<Config> {
  return checkConfig(file, await readConfig(file), data);
}

/** As {@link loadConfig}, for a text that is at hand. */
export function checkConfig(file: string, text: string, data?: string): Config {
  const settings = parseDocument(file, text, configSchema);
  const path = (configured: string): string => resolve(dirname(file), configured);
  return { file, data: data === undefined ? path(settings.data) : resolve(data), settings, path };
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const message = missing
      ? `There is no configuration at ${file}. Run \`countersign init\` to write one, or name yours with --config.`
      : `Cannot read the configuration ${file}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new CliError(exitCodes.usage, message, { cause });
  }
}
