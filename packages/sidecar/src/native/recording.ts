import { AuditError, type AuditLog, type RecordDraft } from "@countersign/audit";
import type { LiveRecord } from "./live-record.ts";

/** What recording takes. */
export interface RecordingParts {
  readonly audit: AuditLog;
  readonly writer: string;
  readonly now: () => number;
  /** A record is in the log, on disk. */
  readonly recorded: (record: LiveRecord) => void;
}

/** Payload bytes that go to the log at once: preparing and storing them holds up everybody else. */
const groupBytes = 128 * 1024;
const firstRetryMs = 200;
const longestRetryMs = 5_000;

/** Brings records that are due into the audit log, in order, each exactly once, a few at a time. */
export class Recording {
  readonly #parts: RecordingParts;
  readonly #due: LiveRecord[] = [];
  #work: Promise<void> | undefined;
  #failure: AuditError | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  /** Of the first that are due: whether they are in the log is not known. */
  #doubtful = 0;
  /** In the log, and on disk once a later append is. */
  readonly #unsynced: LiveRecord[] = [];

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /** Why the log does not take records now. */
  get failure(): AuditError | undefined {
    return this.#failure;
  }

  add(record: LiveRecord): void {
    this.#due.push(record);
  }

  /** Records what is due, unless that is being done, or failed a moment ago. */
  start(): void {
    if (this.#due.length > 0 && this.#retry === undefined) void this.#run();
  }

  /** Records what is due, once. Gives whether all of it is in the log. */
  async finish(): Promise<boolean> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.#work;
    await this.#run();
    clearTimeout(this.#retry);
    return this.#due.length + this.#unsynced.length === 0;
  }

  #run(): Promise<void> {
    this.#work ??= this.#record().finally(() => (this.#work = undefined));
    return this.#work;
  }

  async #record(): Promise<void> {
    try {
      if (this.#doubtful > 0) await this.#clearUp();
      while (this.#due.length > 0) await this.#recordGroup();
      this.#failure = undefined;
      this.#retryMs = firstRetryMs;
    } catch (error) {
      this.#failure = unavailable(error);
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.start();
      }, this.#retryMs).unref();
      this.#retryMs = Math.min(2 * this.#retryMs, longestRetryMs);
    }
  }

  async #recordGroup(): Promise<void> {
    const { audit, writer, now } = this.#parts;
    const drafts: RecordDraft[] = [];
    let bytes = 0;
    for (const { record } of this.#due) {
      if (drafts.length > 0 && bytes + record.size > groupBytes) break;
      bytes += record.size;
      drafts.push(record.draft(now(), false));
    }
    this.#doubtful = drafts.length;
    await audit.append(writer, drafts, "durable");
    this.#doubtful = 0;
    for (const record of [...this.#unsynced.splice(0), ...this.#due.splice(0, drafts.length)]) this.#parts.recorded(record);
  }

  /** A group is stored as a whole or not at all. An append that failed may have stored its group and only not have synced it. */
  async #clearUp(): Promise<void> {
    const [first] = this.#due;
    if (first !== undefined && (await isRecorded(this.#parts.audit, first.record))) {
      this.#unsynced.push(...this.#due.splice(0, this.#doubtful));
    }
    this.#doubtful = 0;
  }
}

/**
 * Whether a part of a record is in the log.
 *
 * @throws {AuditError} when the log cannot be read.
 */
export async function isRecorded(
  audit: AuditLog,
  { id, part }: { readonly id: string; readonly part: number },
): Promise<boolean> {
  for (const bytes of await audit.recordsOf(id)) {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof record !== "object" || record === null || !("type" in record) || record.type !== "statements") continue;
    const detail = "detail" in record ? record.detail : undefined;
    if (typeof detail === "object" && detail !== null && "part" in detail && detail.part === part) return true;
  }
  return false;
}

function unavailable(error: unknown): AuditError {
  if (error instanceof AuditError && error.code === "unavailable") return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AuditError("unavailable", `What was allowed cannot be recorded, so nothing is run: ${reason}`, { cause: error });
}
