import { CountersignError } from "@countersign/policy";
import Database from "better-sqlite3";

/** Reports a store that cannot be used as what the caller can act on; what is already in those words stays as it is. */
export async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof Database.SqliteError)) throw failure;
    throw new CountersignError(
      "control_plane_unavailable",
      `The request store cannot be used (${failure.code}); nothing was changed. Check the disk that holds the data folder.`,
      { retryable: true, cause: failure },
    );
  }
}
