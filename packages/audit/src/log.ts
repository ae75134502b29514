import type { KeyObject } from "node:crypto";
import { AuditError } from "./audit-error.ts";
import { type CheckpointSigner, checkpointSigner } from "./checkpoint.ts";
import type { PayloadCommitment } from "./commitment.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import type { LogBatch, LogEntry, LogStore, WriterHead } from "./log-store.ts";
import type { AuditLog, Durability, LogReceipt, OpenIntent, RecordDraft } from "./record.ts";
import { checkWriter, type PreparedRecord, prepareRecord, recordBytes } from "./record-bytes.ts";
import { type RestoredLog, restoreLog } from "./restore.ts";
import type { Tree } from "./tree.ts";

/** A payload made ready for the store: its commitment for the record, and its encrypted form. */
export interface SealedPayload {
  readonly commitment: PayloadCommitment;
  readonly sealed: Uint8Array;
}

/** What a log is made of. */
export interface LogOptions {
  readonly store: LogStore;
  /** The log's name in records and checkpoints: no white space, no `+`. */
  readonly origin: string;
  /** Ed25519 private key that signs checkpoints. */
  readonly key: KeyObject;
  /** Encrypts a payload and commits to it. */
  readonly sealPayload: (payload: Uint8Array) => SealedPayload;
}

/** The audit log, open for writing. */
export interface Log extends AuditLog, AsyncDisposable {
  /** Records in the log. */
  readonly size: number;
  /** The newest signed checkpoint (C2SP tlog-checkpoint). */
  checkpoint(): string;
  /** Refuses new appends, and resolves once those before it are on disk. The store is not closed: whoever opened it closes it. */
  close(): Promise<void>;
}

/** Appends that share a store write; a larger group would hold up its first member. */
const GROUP_RECORDS = 256;

/**
 * Opens a log for writing. One process only: the in-memory tree is the newest one.
 *
 * Appends that arrive in the same turn of the event loop (under load: in two), or while the store is busy, share one store write and one
 * signature.
 *
 * @throws {AuditError} `corrupt` when the stored records do not fit the stored checkpoint or the key; `unavailable`.
 * @throws {TypeError} for a key that is not Ed25519 or an unusable name.
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const signer = checkpointSigner(options.origin, options.key);
  const restored = restoreLog(await options.store.load(), options.origin, options.key);
  return new GroupCommitLog(options, signer, { ...restored, checkpoint: restored.checkpoint ?? signer(0, EMPTY_ROOT) });
}

interface Append {
  readonly writer: string;
  readonly records: readonly { readonly prepared: PreparedRecord; readonly payload: Uint8Array | undefined }[];
  readonly durability: Durability;
  readonly resolve: (receipts: readonly LogReceipt[]) => void;
  readonly reject: (error: AuditError) => void;
}

class GroupCommitLog implements Log {
  readonly #options: LogOptions;
  readonly #signer: CheckpointSigner;
  readonly #tree: Tree;
  readonly #writers: Map<string, WriterHead>;
  /** Writers whose stored head is behind. */
  readonly #moved: Set<string>;
  #checkpoint: string;
  #pending: Append[] = [];
  #committing: Promise<void> | undefined;
  /** The last group had more than one append: a lone appender never waits for others. */
  #shared = false;
  #closed = false;

  constructor(options: LogOptions, signer: CheckpointSigner, restored: RestoredLog & { readonly checkpoint: string }) {
    this.#options = options;
    this.#signer = signer;
    this.#tree = restored.tree;
    this.#writers = restored.writers;
    this.#moved = restored.moved;
    this.#checkpoint = restored.checkpoint;
  }

  get size(): number {
    return this.#tree.size;
  }

  async append(writer: string, drafts: readonly RecordDraft[], durability: Durability): Promise<readonly LogReceipt[]> {
    if (this.#closed) throw new AuditError("unavailable", "The audit log is closed.");
    checkWriter(writer);
    const records = drafts.map((draft) => {
      const payload = draft.payload && this.#options.sealPayload(draft.payload);
      return { prepared: prepareRecord(draft, payload?.commitment), payload: payload?.sealed };
    });
    if (records.length === 0) return [];
    return new Promise((resolve, reject) => {
      this.#pending.push({ writer, records, durability, resolve, reject });
      this.#committing ??= this.#commitPending();
    });
  }

  async openIntents(writer: string): Promise<readonly OpenIntent[]> {
    await this.#committing;
    return this.#options.store.openIntents(writer);
  }

  async recordsOf(request: string): Promise<readonly Uint8Array[]> {
    await this.#committing;
    return this.#options.store.recordsOf(request);
  }

  async standing(): Promise<readonly Uint8Array[]> {
    await this.#committing;
    return this.#options.store.standing();
  }

  checkpoint(): string {
    return this.#checkpoint;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#committing;
    await this.#options.store.sync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #commitPending(): Promise<void> {
    // Lets everything that this turn of the event loop has to say join the first group; where many append, the next turn has more.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#shared) await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const group = this.#takeGroup();
      this.#shared = group.length > 1;
      await this.#commitGroup(group);
    }
    this.#committing = undefined;
  }

  #takeGroup(): Append[] {
    let records = 0;
    const end = this.#pending.findIndex((append) => {
      records += append.records.length;
      return records > GROUP_RECORDS;
    });
    return this.#pending.splice(0, end === -1 ? this.#pending.length : Math.max(end, 1));
  }

  async #commitGroup(group: readonly Append[]): Promise<void> {
    const mark = this.#tree.mark();
    const heads = new Map<string, WriterHead>();
    let batch: LogBatch;
    try {
      batch = this.#prepareBatch(group, heads);
      await this.#options.store.commit(batch);
    } catch (error) {
      this.#tree.rollBack(mark);
      for (const append of group) append.reject(asUnavailable(error));
      return;
    }
    this.#checkpoint = batch.checkpoint;
    for (const { writer } of batch.writers) this.#moved.delete(writer);
    for (const head of heads.values()) this.#writers.set(head.writer, head);
    this.#answer(group, batch);
  }

  /** Adds the group's records to the tree, and their writers' new heads to `heads`. */
  #prepareBatch(group: readonly Append[], heads: Map<string, WriterHead>): LogBatch {
    const entries: LogEntry[] = [];
    for (const { writer, records } of group) {
      let head = heads.get(writer) ?? this.#writers.get(writer);
      for (const { prepared, payload } of records) {
        const bytes = recordBytes(prepared, this.#options.origin, writer, head);
        const leaf = leafHash(bytes);
        const { type, request } = prepared.draft;
        entries.push({ index: this.#tree.size, bytes, leaf, writer, type, request, payload });
        this.#tree.push(leaf);
        head = { writer, sequence: (head?.sequence ?? 0) + 1, leaf };
      }
      if (head !== undefined) heads.set(writer, head);
      this.#moved.add(writer);
    }
    const tiles = this.#tree.changedTiles();
    const writers =
      tiles.length === 0 ? [] : [...this.#moved].flatMap((writer) => heads.get(writer) ?? this.#writers.get(writer) ?? []);
    return { entries, tiles, writers, checkpoint: this.#signer(this.#tree.size, this.#tree.root()) };
  }

  /** Handed-over appends are answered at once; durable ones share the next sync, which does not hold up later groups. */
  #answer(group: readonly Append[], batch: LogBatch): void {
    const receipts = receiptsOf(batch, this.#tree.commit());
    const durable: (() => void)[] = [];
    const rejects: Append["reject"][] = [];
    let at = 0;
    for (const { records, durability, resolve, reject } of group) {
      const own = receipts.slice(at, at + records.length);
      at += records.length;
      if (durability === "handed-over") resolve(own);
      else {
        durable.push(() => resolve(own));
        rejects.push(reject);
      }
    }
    if (durable.length === 0) return;
    this.#options.store.sync().then(
      () => {
        for (const resolve of durable) resolve();
      },
      // The records are in the log, and stay there: a reader may have seen them. Only that they survive a power cut is unknown.
      (error) => {
        for (const reject of rejects) reject(asUnavailable(error));
      },
    );
  }
}

function receiptsOf({ entries, checkpoint }: LogBatch, prove: (index: number) => Uint8Array[]): LogReceipt[] {
  return entries.map(({ index, bytes }) => new AppendReceipt(index, bytes, checkpoint, prove));
}

/**
 * A receipt whose proof is made when somebody looks at it: most receipts of allowed traffic are never read. A class, as V8 makes the getter of an
 * object's own in the old part of its memory, from where it would keep all that it refers to until a full collection.
 */
class AppendReceipt implements LogReceipt {
  readonly index: number;
  readonly record: Uint8Array;
  readonly checkpoint: string;
  readonly #prove: (index: number) => Uint8Array[];
  #proof: readonly Uint8Array[] | undefined;

  constructor(index: number, record: Uint8Array, checkpoint: string, prove: (index: number) => Uint8Array[]) {
    this.index = index;
    this.record = record;
    this.checkpoint = checkpoint;
    this.#prove = prove;
  }

  get proof(): readonly Uint8Array[] {
    this.#proof ??= this.#prove(this.index);
    return this.#proof;
  }
}

function asUnavailable(error: unknown): AuditError {
  if (error instanceof AuditError && error.code === "unavailable") return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AuditError("unavailable", `The audit log cannot be written, so nothing is run: ${reason}`, { cause: error });
}
