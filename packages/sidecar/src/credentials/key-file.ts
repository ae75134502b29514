import { randomBytes } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { CountersignError } from "@countersign/policy";

/**
 * The key of the local credential store: 32 random bytes in a file of mode 0600, created when it is not there.
 *
 * @throws {CountersignError} `target_credentials` when the file has another size or others can read it.
 */
export async function openKeyFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      const key = randomBytes(32);
      await file.writeFile(key);
      await file.sync();
      return key;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new CountersignError("target_credentials", `${path} is open to other users. Run: chmod 600 ${path}`);
  const key = await readFile(path);
  if (key.length !== 32) throw new CountersignError("target_credentials", `${path} is not a key of 32 bytes.`);
  return key;
}
