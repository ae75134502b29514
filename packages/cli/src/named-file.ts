import { readFile } from "node:fs/promises";
import { CliError, exitCodes } from "./exit.ts";

/**
 * The text of a file that the command line or the configuration names.
 *
 * @param what is in it, for the error.
 * @throws {CliError} usage, when it cannot be read.
 */
export async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.usage, `Cannot read ${what}: ${reason}`, { cause });
  }
}
