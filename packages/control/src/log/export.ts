import { once } from "node:events";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  AuditError,
  type LogSource,
  parseCheckpoint,
  type SourceRecord,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from "@countersign/audit";

/** The files of an export. Tiles lie at their C2SP tlog-tiles paths beside them. */
const FILES = { checkpoint: "checkpoint", checkpoints: "checkpoints.jsonl", records: "records.jsonl", key: "log.pub" } as const;

/** Longest line of `records.jsonl`: one record, or what somebody made of it. */
const MAX_LINE = 1 << 20;

/**
 * Writes a log to a folder: `records.jsonl` (the exact bytes, one record a line), tiles, `checkpoint` (the newest), `checkpoints.jsonl` (a
 * JSON string a line, oldest first) and `log.pub` (the public key, for convenience: a verifier gets it from elsewhere).
 *
 * @param folder - New or empty.
 * @param logKey - One line, from `logKeyText`.
 * @returns the records written.
 * @throws {AuditError} `unavailable` when the folder is not empty.
 */
export async function exportLog(source: LogSource, folder: string, logKey: string): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0)
    throw new AuditError("unavailable", `The folder ${folder} is not empty. Name a new one.`);
  await writeFile(join(folder, FILES.key), `${logKey}\n`);
  let newest: string | undefined;
  await writeLines(join(folder, FILES.checkpoints), source.checkpoints(), (note) => {
    newest = note;
    return Buffer.from(JSON.stringify(note));
  });
  const records = await writeLines(join(folder, FILES.records), source.records(), ({ bytes }) => bytes);
  if (newest === undefined) return records;
  await writeFile(join(folder, FILES.checkpoint), newest);
  for (const { level, index, width } of tilesOf(parseCheckpoint(newest).size)) {
    const hashes = (await source.tile(level, index)).slice(0, width).filter((hash) => hash !== undefined);
    const path = join(folder, tilePath(level, index, width));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.concat(hashes));
  }
  return records;
}

/**
 * An exported log, for the verifier.
 *
 * @throws {AuditError} `not_found` when the folder holds no export.
 */
export function openExportedLog(folder: string): LogSource {
  if (!existsSync(join(folder, FILES.records))) {
    throw new AuditError("not_found", `There is no exported log in ${folder}: it has no ${FILES.records}.`);
  }
  return new ExportedLog(folder);
}

class ExportedLog implements LogSource {
  readonly #folder: string;
  #size: Promise<number> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async *records(): AsyncGenerator<SourceRecord> {
    let index = 0;
    for await (const bytes of readLines(join(this.#folder, FILES.records))) yield { index: index++, bytes };
  }

  async tile(level: number, index: number): Promise<readonly (Uint8Array | undefined)[]> {
    this.#size ??= this.#readSize();
    const width = Math.min(TILE_WIDTH, Math.floor((await this.#size) / TILE_WIDTH ** level) - index * TILE_WIDTH);
    if (width <= 0) return [];
    const hashes = await readIfThere(join(this.#folder, tilePath(level, index, width)));
    if (hashes === undefined) return [];
    return Array.from({ length: Math.min(width, Math.floor(hashes.length / 32)) }, (_, at) =>
      hashes.subarray(at * 32, at * 32 + 32),
    );
  }

  async *checkpoints(): AsyncGenerator<string> {
    let last: string | undefined;
    const file = join(this.#folder, FILES.checkpoints);
    if (existsSync(file)) {
      for await (const line of readLines(file)) {
        last = parseString(line);
        yield last;
      }
    }
    const newest = (await readIfThere(join(this.#folder, FILES.checkpoint)))?.toString();
    if (newest !== undefined && newest !== last) yield newest;
  }

  async #readSize(): Promise<number> {
    const note = await readIfThere(join(this.#folder, FILES.checkpoint));
    return note === undefined ? 0 : parseCheckpoint(note.toString()).size;
  }
}

async function writeLines<T>(file: string, items: AsyncIterable<T>, line: (item: T) => Uint8Array): Promise<number> {
  const out = createWriteStream(file, { flags: "wx", mode: 0o600 });
  let lines = 0;
  for await (const item of items) {
    lines++;
    out.write(line(item));
    if (!out.write("\n")) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
  return lines;
}

async function* readLines(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const chunks: AsyncIterable<Buffer> = createReadStream(file);
  for await (const chunk of chunks) {
    let data: Buffer = Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10)) {
      yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    if (data.length > MAX_LINE) throw new AuditError("corrupt", `${file} has a line that is longer than any record.`);
    rest = data;
  }
  if (rest.length > 0) yield rest;
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A line that is no JSON string is handed on as it is, for the verifier to refuse. */
function parseString(line: Buffer): string {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === "string" ? value : line.toString();
  } catch {
    return line.toString();
  }
}
