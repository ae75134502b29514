import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** A policy file as it was read. */
export interface PolicyFile {
  readonly text: string;
  /** What lets others than the owner change it; undefined when nothing does. */
  readonly openness?: string;
}

/** A policy file cannot be read; the message says why, and is one clause. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

/**
 * Reads one policy file. Never waits for a pipe, never takes in more than `largest` bytes.
 *
 * @throws {UnreadableFile}
 */
export async function readPolicyFile(path: string, largest: number): Promise<PolicyFile> {
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait forever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat({ bigint: true });
    if (found.isDirectory()) throw new UnreadableFile("it is a folder, not a file");
    if (!found.isFile()) throw new UnreadableFile("it is not a regular file");
    if (found.size > largest) throw new UnreadableFile(`it is larger than ${largest / 1024} KiB`);
    const bytes = Buffer.alloc(Number(found.size) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length));
    }
    if (length === bytes.length) throw new UnreadableFile("it is being written to");
    const openness = await opennessOf(path, Number(found.mode));
    return {
      text: textOf(bytes.subarray(0, length)),
      ...(openness === undefined ? {} : { openness }),
    };
  } catch (error) {
    throw error instanceof UnreadableFile ? error : new UnreadableFile(reasonOf(error), { cause: error });
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile("it is not UTF-8 text");
  }
}

/** Who can write to a folder can put another file under any name in it, unless the folder is sticky. */
async function opennessOf(path: string, mode: number): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  const folder = dirname(path);
  const folderMode = (await stat(folder)).mode;
  const isOpen = (mode & 0o022) !== 0;
  const isReplaceable = (folderMode & 0o022) !== 0 && (folderMode & 0o1000) === 0;
  if ((!isOpen && !isReplaceable) || (await isReadOnly(folder))) return undefined;
  return isOpen
    ? `others than its owner can change it; run: chmod go-w '${path}'`
    : `others than the owner of its folder can replace it; run: chmod go-w '${folder}'`;
}

/** Whether the file system is mounted read-only, as Kubernetes mounts a ConfigMap: with open modes that mean nothing. */
async function isReadOnly(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this process may not read it",
  EPERM: "this process may not read it",
  ELOOP: "its symbolic links lead in a circle",
  ENXIO: "it is not a regular file",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}
