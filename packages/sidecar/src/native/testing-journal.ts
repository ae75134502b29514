import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditError, type AuditLog, type RecordDraft } from "@countersign/audit";
import { z } from "zod";
import { randomPool } from "../random-pool.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { disk, readSegment, readSegmentFile } from "./journal-segment.ts";
import type { PassageConnection } from "./passage.ts";

const detailSchema = z.looseObject({ part: z.int(), count: z.int(), running: z.int(), connection: z.string() });
const payloadSchema = z.looseObject({
  operations: z.array(z.looseObject({ kind: z.string(), statement: z.string() })),
  passages: z.array(z.array(z.unknown())),
});

/** A journal over a log in memory that can fail, for tests. */
export class JournalWorld implements AsyncDisposable {
  readonly folder: string;
  readonly key = Buffer.alloc(32, 7);
  readonly drafts: RecordDraft[] = [];
  /** What an append meets: `stored` puts the records into the log and says that it failed, `killed` and never says anything again. */
  fault: "none" | "refused" | "stored" | "killed" = "none";
  /** What the journal's own files meet. */
  diskFault: "none" | "full" | "cut" | "unsynced" = "none";
  nowMs: () => number = Date.now;
  readonly errors: unknown[] = [];
  readonly #options: Partial<JournalOptions>;
  #journal: Journal | undefined;
  #processes = 0;

  private constructor(folder: string, options: Partial<JournalOptions>) {
    this.folder = folder;
    this.#options = options;
  }

  static async open(options: Partial<JournalOptions> = {}): Promise<JournalWorld> {
    const world = new JournalWorld(mkdtempSync(join(tmpdir(), "journal-")), options);
    await world.restart();
    return world;
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new Error("the journal is not open");
    return this.#journal;
  }

  /** Opens another journal over the same files, as a process does that follows a dead one. What went before reaches the log no more. */
  async restart(options: Partial<JournalOptions> = {}): Promise<void> {
    const audit = this.#audit(++this.#processes);
    this.#journal = await Journal.open({
      ...{ folder: this.folder, key: this.key, audit, writer: "test", strict: false, now: () => this.nowMs() },
      ...{ random: randomPool(), onInternalError: (error: unknown) => this.errors.push(error) },
      disk: {
        write: (descriptor, bytes) => {
          if (this.diskFault === "full") throw new Error("ENOSPC: no space left on device, write");
          return disk.write(descriptor, this.diskFault === "cut" ? bytes.subarray(0, bytes.length / 2) : bytes);
        },
        sync: (descriptor) => {
          return this.diskFault === "unsynced" ? Promise.reject(new Error("EIO: i/o error, fdatasync")) : disk.sync(descriptor);
        },
      },
      target: (resource, role) => ({ type: "postgres", address: `${resource}/${role}` }),
      ...this.#options,
      ...options,
    });
  }

  connection(connection: string): PassageConnection {
    const principal = { issuer: "test", subject: "agent", groups: ["agents"], claims: {} };
    return { connection, principal, resource: "db", session: "psql", reason: "" };
  }

  /** The shared records in the log, in order. */
  statements() {
    return this.drafts.flatMap(({ detail, payload, ...record }) => {
      if (record.type !== "statements" || payload === undefined) return [];
      return [
        {
          ...record,
          detail: detailSchema.parse(detail),
          payload: payloadSchema.parse(JSON.parse(Buffer.from(payload).toString())),
        },
      ];
    });
  }

  countsOf(connection: string): readonly number[] {
    return this.statements().flatMap(({ detail }) => (detail.connection === connection ? [detail.count] : []));
  }

  total(of: "count" | "running"): number {
    return this.statements().reduce((sum, { detail }) => sum + detail[of], 0);
  }

  /** Resolves when what was noted so far is with the operating system. */
  flushed(): Promise<void> {
    return new Promise((resolve, reject) => this.journal.afterFlush({ flushed: resolve, refused: reject }));
  }

  files(): readonly string[] {
    return readdirSync(this.folder).filter((file) => readSegmentFile(file) !== undefined);
  }

  fileSize(): number {
    return this.files().reduce((sum, file) => sum + statSync(join(this.folder, file)).size, 0);
  }

  /** Writes so far, in the segments that are there. */
  frames(): number {
    return this.files().reduce((sum, file) => {
      const name = readSegmentFile(file);
      return sum + (name === undefined ? 0 : readSegment(readFileSync(join(this.folder, file)), name, this.key).frames.length);
    }, 0);
  }

  #audit(process: number): AuditLog {
    return {
      append: async (_writer, drafts) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (process !== this.#processes) return new Promise(() => {});
        if (this.fault !== "refused") this.drafts.push(...drafts);
        if (this.fault === "killed") return new Promise(() => {});
        if (this.fault !== "none") throw new AuditError("unavailable", "the disk is full");
        return [];
      },
      openIntents: async () => [],
      standing: async () => [],
      recordsOf: async (request) =>
        this.drafts.flatMap(({ payload: _, ...draft }) =>
          draft.request === request ? [Buffer.from(JSON.stringify(draft))] : [],
        ),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
