import { AuditError } from "@countersign/audit";

/**
 * Runs work on the database.
 *
 * @throws {AuditError} for whatever it throws.
 */
export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asAuditError(error);
  }
}

/** What SQLite or the system says, as an {@link AuditError} that tells an operator what to do. */
export function asAuditError(error: unknown): AuditError {
  if (error instanceof AuditError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = REASONS[code];
  const reason = known ?? (error instanceof Error ? error.message : String(error));
  const kind = code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT") ? "corrupt" : "unavailable";
  return new AuditError(kind, `The audit log cannot be used: ${reason}`, { cause: error });
}

/** What an operator is told, by SQLite's or the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full. Free some space; nothing needs a restart.",
  ENOSPC: "the disk is full. Free some space; nothing needs a restart.",
  SQLITE_CONSTRAINT_PRIMARYKEY: "another process writes to it. Stop that one and restart this one.",
  SQLITE_BUSY: "another process holds its lock.",
  SQLITE_NOTADB: "the file is not a SQLite database.",
  SQLITE_CORRUPT: "the file is damaged. Restore it from a copy.",
  SQLITE_READONLY_DIRECTORY:
    "SQLite needs to write in its folder, even to read. Copy the folder to one of your own, or verify an export.",
  SQLITE_CANTOPEN: "the file cannot be opened. Check the folder and its permissions.",
  ENOENT: "its folder does not exist.",
  EACCES: "its folder or file may not be written by this user.",
};
