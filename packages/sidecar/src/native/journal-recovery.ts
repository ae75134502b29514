import { readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { AuditLog, RecordDraft } from "@countersign/audit";
import { readSegment, readSegmentFile, type SegmentName } from "./journal-segment.ts";
import { NotedRecords } from "./noted-records.ts";
import { isRecorded } from "./recording.ts";

/** What recovering takes. */
export interface RecoveryParts {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly audit: AuditLog;
  readonly writer: string;
  readonly now: () => number;
  readonly onInternalError: (error: unknown) => void;
}

/** Records that are appended at once. */
const groupRecords = 64;

/**
 * Brings what a dead process noted into the audit log, each record once, and removes its files. What has no end is `unknown`: it may have been
 * sent. Nothing is run again.
 *
 * @throws {AuditError} when the log cannot be written; whatever the file system says. Nothing is removed then.
 */
export async function recoverJournal(parts: RecoveryParts): Promise<void> {
  const { folder, key, audit, writer, now } = parts;
  const files = await segmentFiles(folder);
  if (files.length === 0) return;
  const noted = new NotedRecords();
  const damaged = new Map<string, number>();
  for (const { file, name } of files) {
    const { frames, unreadable } = readSegment(await readFile(join(folder, file)), name, key);
    for (const frame of frames) noted.read(frame, name.run);
    if (unreadable > 0) damaged.set(file, unreadable);
  }
  let drafts: RecordDraft[] = [];
  for (const record of noted.records()) {
    if (await isRecorded(audit, record)) continue;
    drafts.push(record.draft(now()));
    if (drafts.length < groupRecords) continue;
    await audit.append(writer, drafts, "durable");
    drafts = [];
  }
  for (const [file, unreadable] of damaged) {
    const message = `${unreadable} bytes at the end of ${file} cannot be read: a power cut, or another key. What they held is not recorded; the file is kept as ${file}.damaged.`;
    parts.onInternalError(new Error(message));
    drafts.push({ type: "statements", timeMs: now(), detail: { recovered: true, unreadable } });
  }
  if (drafts.length > 0) await audit.append(writer, drafts, "durable");
  for (const { file } of files) {
    const path = join(folder, file);
    if (damaged.has(file)) await rename(path, `${path}.damaged`);
    else await unlink(path);
  }
}

async function segmentFiles(folder: string): Promise<{ readonly file: string; readonly name: SegmentName }[]> {
  const found = (await readdir(folder)).flatMap((file) => {
    const name = readSegmentFile(file);
    return name === undefined ? [] : [{ file, name }];
  });
  return found.sort((a, b) => (a.file < b.file ? -1 : 1));
}
