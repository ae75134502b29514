import { createHash } from "node:crypto";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { CliError, exitCodes } from "./exit.ts";

/** The longest path that a Unix socket can have on every system (sun_path, unix(7): 104 with its final zero on macOS), bytes. */
const longestSocketPath = 103;

/**
 * Makes a folder that only this user can enter.
 *
 * @throws {CliError} failure, when there is something else of that name, or someone else's folder: a local attacker may have put it there.
 */
export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const owner = userInfo().uid;
  if (!found.isDirectory() || (owner >= 0 && found.uid !== owner)) {
    throw new CliError(
      exitCodes.failure,
      `${path} is not a folder of your own. Remove it, or choose another data folder with --data.`,
    );
  }
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
  return path;
}

/**
 * Where the sockets of a data folder are: in its `run`, or, when that path is too long for a socket, in a short folder of the system's
 * temporary folder that is the same at every start.
 *
 * @throws {CliError} as {@link privateFolder}.
 */
export async function socketFolder(dataFolder: string, names: readonly string[]): Promise<string> {
  const run = await privateFolder(join(dataFolder, "run"));
  if (names.every((name) => fits(join(run, name)))) return run;
  const id = createHash("sha256").update(dataFolder).digest("hex").slice(0, 12);
  return await privateFolder(join(tmpdir(), `countersign-${userInfo().uid}-${id}`));
}

/**
 * The path of a configured socket: a bare name is placed in the socket folder, anything else is relative to the configuration.
 *
 * @throws {CliError} usage, when it is too long.
 */
export function socketPath(folder: string, base: string, configured: string): string {
  const path =
    basename(configured) === configured ? join(folder, configured) : isAbsolute(configured) ? configured : join(base, configured);
  if (fits(path)) return path;
  throw new CliError(
    exitCodes.usage,
    `The socket path ${path} is ${Buffer.byteLength(path)} bytes long; the system allows ${longestSocketPath}. Configure a shorter one.`,
  );
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= longestSocketPath;
}
