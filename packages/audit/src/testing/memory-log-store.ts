import type { LogBatch, LogEntry, LogState, LogStore } from "../log-store.ts";
import { type OpenIntent, standingTypes } from "../record.ts";
import { TILE_WIDTH } from "../tile.ts";
import type { LogSource, SourceRecord } from "../verify/source.ts";

/** A log store in memory, for tests: it can be told to fail, and it can be tampered with. */
export class MemoryLogStore implements LogStore, LogSource {
  entries: LogEntry[] = [];
  notes: string[] = [];
  readonly tiles = new Map<string, Uint8Array>();
  readonly #writers = new Map<string, LogState["writers"][number]>();
  readonly #open = new Map<string, LogEntry>();
  /** Batches that were stored. */
  commits = 0;
  syncs = 0;
  /** Set to make {@link commit} fail. */
  commitFailure: Error | undefined;
  /** What {@link sync} waits for. */
  syncing: () => Promise<void> = async () => {};

  async load(): Promise<LogState> {
    const size = this.entries.length;
    const incomplete = [...this.tiles].flatMap(([name, hashes]) => {
      const [level = 0, index = 0] = name.split("/").map(Number);
      return level > 0 && hashes.length < 32 * TILE_WIDTH ? [{ level, index, hashes }] : [];
    });
    const tail = this.entries.slice(size - (size % TILE_WIDTH)).map((entry) => entry.bytes);
    return { size, checkpoint: this.notes.at(-1), tiles: incomplete, tail, writers: [...this.#writers.values()] };
  }

  async commit(batch: LogBatch): Promise<void> {
    if (this.commitFailure !== undefined) throw this.commitFailure;
    this.commits++;
    for (const entry of batch.entries) {
      if (entry.index !== this.entries.length) throw new Error("A gap");
      this.entries.push(entry);
      if (entry.request === undefined) continue;
      if (entry.type === "intent") this.#open.set(entry.request, entry);
      if (entry.type === "outcome") this.#open.delete(entry.request);
    }
    for (const { level, index, hashes } of batch.tiles) this.tiles.set(`${level}/${index}`, hashes);
    for (const head of batch.writers) this.#writers.set(head.writer, head);
    this.notes.push(batch.checkpoint);
  }

  async sync(): Promise<void> {
    this.syncs++;
    await this.syncing();
  }

  async openIntents(writer: string): Promise<readonly OpenIntent[]> {
    return [...this.#open]
      .filter(([, entry]) => entry.writer === writer)
      .map(([request, { bytes }]) => ({ request, record: bytes }));
  }

  async recordsOf(request: string): Promise<readonly Uint8Array[]> {
    return this.entries.filter((entry) => entry.request === request).map((entry) => entry.bytes);
  }

  async standing(): Promise<readonly Uint8Array[]> {
    return this.entries.filter((entry) => standingTypes.has(entry.type)).map((entry) => entry.bytes);
  }

  async *records(): AsyncGenerator<SourceRecord> {
    yield* this.entries;
  }

  async tile(level: number, index: number): Promise<readonly (Uint8Array | undefined)[]> {
    const hashes = this.tiles.get(`${level}/${index}`);
    if (hashes !== undefined)
      return Array.from({ length: hashes.length / 32 }, (_, at) => hashes.subarray(at * 32, at * 32 + 32));
    const leaves: (Uint8Array | undefined)[] = [];
    for (const entry of level === 0 ? this.entries : []) {
      if (Math.floor(entry.index / TILE_WIDTH) === index) leaves[entry.index % TILE_WIDTH] = entry.leaf;
    }
    return leaves;
  }

  async *checkpoints(): AsyncGenerator<string> {
    yield* this.notes;
  }
}
