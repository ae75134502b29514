import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LogKey, type LogSource, logKeyText, parseLogKey } from "@countersign/audit";
import { openExportedLog, openKeys, openSqliteLogSource } from "@countersign/control";
import { CliError, exitCodes } from "./exit.ts";
import { logOrigin } from "./log-origin.ts";
import { readText } from "./named-file.ts";

/** A log to be read, and the one-line public key that comes with it. */
export interface ReadableLog extends Disposable {
  readonly source: LogSource;
  readonly keyText: string;
}

/**
 * The log of a data folder, read-only; whoever writes it may go on.
 *
 * @throws {CliError} usage, when the folder has no log.
 */
export function openDataLog(folder: string): ReadableLog {
  const file = join(folder, "audit.db");
  // Opening the keys makes those that are missing; a new key would make every good signature look forged.
  if (!existsSync(file) || !existsSync(join(folder, "keys", "log.pem"))) {
    throw new CliError(
      exitCodes.usage,
      `There is no audit log in ${folder}. Name the data folder with --data or COUNTERSIGN_DATA.`,
    );
  }
  const { publicKey } = openKeys(folder).log;
  const source = openSqliteLogSource(file);
  return { source, keyText: logKeyText(logOrigin(publicKey), publicKey), [Symbol.dispose]: () => source.close() };
}

/**
 * An exported log.
 *
 * @throws {AuditError} `not_found`, when the folder holds none.
 */
export async function openExport(folder: string): Promise<ReadableLog> {
  const source = openExportedLog(folder);
  return { source, keyText: await readText(join(folder, "log.pub"), "the export's public key"), [Symbol.dispose]: () => {} };
}

/**
 * The key that a verifier trusts.
 *
 * @throws {AuditError} `malformed`; {CliError} usage, when the file cannot be read.
 */
export async function trustedKey(log: ReadableLog, file: string | undefined): Promise<LogKey> {
  return parseLogKey(file === undefined ? log.keyText : await readText(file, "the public key"));
}

/** Counts the records on their way. */
export function counted(source: LogSource, onRecord: (count: number) => void): LogSource {
  return {
    async *records() {
      let count = 0;
      for await (const record of source.records()) {
        onRecord(++count);
        yield record;
      }
    },
    tile: (level, index) => source.tile(level, index),
    checkpoints: () => source.checkpoints(),
  };
}
