import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { ReadSessionResponse } from "@countersign/rpc";
import { CliError, exitCodes } from "./exit.ts";

/**
 * Writes a recording to a new file, and holds it against the hash in the audit log. Gives what came of that, in words.
 *
 * @throws {CliError} when it is not what was recorded; the file stays, to be looked at.
 */
export async function saveRecording(parts: AsyncIterable<ReadSessionResponse>, file: string): Promise<string> {
  // It may hold what nobody else should read.
  await using out = await open(file, "wx", 0o600);
  const hash = createHash("sha256");
  let last: ReadSessionResponse | undefined;
  let erased = 0;
  for await (const part of parts) {
    last = part;
    erased += part.erased;
    hash.update(part.lines);
    await out.write(part.lines);
  }
  const recorded = last?.session?.end?.recording ?? "";
  if (erased > 0) return `${file}: ${erased} parts were erased, so that the rest cannot be checked.`;
  if (recorded === "") return `${file}: the session has no recorded end, so that it cannot be checked as a whole.`;
  if (recorded !== `sha256:${hash.digest("hex")}`) {
    throw new CliError(
      exitCodes.failure,
      `${file} is not the recording whose hash the audit log holds. Run countersign audit verify.`,
    );
  }
  return `${file}: it has the hash that the audit log holds.`;
}
