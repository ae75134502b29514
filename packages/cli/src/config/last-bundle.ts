import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CliError, exitCodes } from "../exit.ts";

const shape = z.strictObject({
  version: z.int().min(1),
  digest: z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]),
});

/** Which bundle was in force. */
export type LastBundle = z.infer<typeof shape>;

const fileOf = (dataFolder: string): string => join(dataFolder, "policy-bundle.json");

/**
 * The bundle that was in force last on a data folder, so that an older one does not come back with a restart; `undefined` when there was none.
 *
 * @throws {CliError} failure, when the note is damaged: without it nobody can tell which is older.
 */
export async function readLastBundle(dataFolder: string): Promise<LastBundle | undefined> {
  const file = fileOf(dataFolder);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} is damaged: it says which policy bundle was in force last. Make sure that the configured bundle is the newest, then delete the file.`;
    throw new CliError(exitCodes.failure, message, { cause });
  }
}

/** Notes which bundle is about to be in force. */
export async function writeLastBundle(dataFolder: string, { version, digest }: LastBundle): Promise<void> {
  const file = fileOf(dataFolder);
  await writeFile(`${file}.tmp`, `${JSON.stringify({ version, digest })}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.tmp`, file);
}
