import { CountersignError } from "@countersign/policy";
import Database from "better-sqlite3";
import { NotSynced } from "./group-commit.ts";

/** Reports a store that cannot be used as what the caller can act on; what is already in those words stays as it is. */
export async function guarded<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof NotSynced)
      throw unavailable(`cannot be synced (${cause.code}); whether the change was kept is not known`, cause);
    if (cause instanceof Database.SqliteError) throw unavailable(`cannot be used (${cause.code}); nothing was changed`, cause);
    throw cause;
  }
}

function unavailable(what: string, cause: Error): CountersignError {
  const message = `The request store ${what}. Check the disk that holds the data folder.`;
  return new CountersignError("control_plane_unavailable", message, { retryable: true, cause });
}
