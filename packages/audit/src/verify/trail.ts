import { AuditError } from "../audit-error.ts";
import { type LogKey, openCheckpoint, parseCheckpoint, type TreeHead } from "./note.ts";
import type { Problem } from "./problem.ts";
import type { RunningTree } from "./running-tree.ts";
import type { LogSource } from "./source.ts";

interface Signed {
  readonly note: string;
  readonly head: TreeHead;
}

/**
 * Follows the signed checkpoints while the tree grows: those of the log itself, and those that the verifier knew before (from an earlier
 * check, or a receipt). Comparing roots is cheap, so every checkpoint is compared; only those that the answer rests on have their signature
 * checked.
 */
export class CheckpointTrail {
  readonly #source: LogSource;
  readonly #key: LogKey;
  readonly #known: readonly Signed[];
  readonly #notes: AsyncIterator<string>;
  #upcoming: Signed | undefined;
  #fitting: Signed | undefined;
  #diverged = false;
  #problems: Problem[] = [];

  /** @throws {AuditError} `malformed` when a known checkpoint is not one that this log signed. */
  constructor(source: LogSource, key: LogKey, known: readonly string[]) {
    this.#source = source;
    this.#key = key;
    this.#known = known.map((note) => ({ note, head: openKnown(note, key) }));
    this.#notes = source.checkpoints()[Symbol.asyncIterator]();
  }

  /** To be called for every size from 0. @param whole - Whether every leaf so far is known; without that, roots say nothing. */
  async reached(tree: RunningTree, whole: boolean): Promise<Problem[]> {
    const here = [];
    if (tree.size === 0) await this.#advance();
    while (this.#upcoming !== undefined && this.#upcoming.head.size <= tree.size) {
      here.push(this.#upcoming);
      await this.#advance();
    }
    if (whole) {
      for (const signed of here) this.#compare(signed, tree);
      for (const { head } of this.#known) this.#compareKnown(head, tree);
    }
    return this.#take();
  }

  /** What the end of the log is worth. Gives the newest checkpoint whose signature and root are right, too. */
  async end(tree: RunningTree, whole: boolean): Promise<{ problems: Problem[]; checkpoint: string | undefined }> {
    const cut = await this.#checkBeyond(tree.size);
    for (const { head } of this.#known.filter(({ head }) => head.size > tree.size)) {
      const message = `${rangeOf(tree.size, head.size)} missing: a checkpoint known from before was signed for ${head.size} records, and the log ends after ${tree.size}; it was cut off or set back`;
      this.#problems.push({ kind: "truncated", index: tree.size, message });
    }
    const good = whole && !this.#diverged;
    if (good && this.#fitting !== undefined && !isSigned(this.#fitting.note, this.#key))
      await this.#findLastSigned(this.#fitting.head.size);
    else if (good && !cut && (this.#fitting?.head.size ?? 0) < tree.size) {
      const from = this.#fitting?.head.size ?? 0;
      this.#problems.push({
        kind: "unsigned",
        index: from,
        message: `${rangeOf(from, tree.size)} not covered by any checkpoint`,
      });
    }
    const checkpoint = this.#fitting !== undefined && isSigned(this.#fitting.note, this.#key) ? this.#fitting.note : undefined;
    return { problems: this.#take(), checkpoint };
  }

  #compare(signed: Signed, tree: RunningTree): void {
    const { head, note } = signed;
    if (this.#diverged) return;
    if (head.size < tree.size || (head.size === this.#fitting?.head.size && tree.size > 0)) {
      const message = `the checkpoint for ${head.size} records stands after a later one`;
      this.#problems.push({ kind: "signature", index: head.size, message });
    } else if (fits(head, tree, this.#key)) {
      this.#fitting = signed;
    } else if (isSigned(note, this.#key)) {
      this.#diverged = true;
      const from = this.#fitting?.head.size ?? 0;
      const message = `${rangeOf(from, head.size)} not what was signed: together with those before, they do not hash to the root in the checkpoint for ${head.size} records`;
      this.#problems.push({ kind: "rewritten", index: from, message });
    } else {
      const message = `the checkpoint for ${head.size} records is not one that this log's key signed`;
      this.#problems.push({ kind: "signature", index: head.size, message });
    }
  }

  #compareKnown(head: TreeHead, tree: RunningTree): void {
    if (head.size !== tree.size || fits(head, tree, this.#key)) return;
    const message = `records 0 to ${head.size - 1}: they are not the ones that a checkpoint known from before was signed for; the log was rewritten or forked before record ${head.size}`;
    this.#problems.push({ kind: "forked", index: Math.max(0, head.size - 1), message });
  }

  /** Looks for checkpoints for more records than there are; gives whether there are any. */
  async #checkBeyond(size: number): Promise<boolean> {
    let newest: Signed | undefined;
    for (; this.#upcoming !== undefined; await this.#advance()) newest = this.#upcoming;
    if (newest === undefined) return false;
    const { head, note } = newest;
    const message = isSigned(note, this.#key)
      ? `${rangeOf(size, head.size)} missing: the newest checkpoint was signed for ${head.size} records, and the log ends after ${size}; its end was cut off`
      : `the checkpoint for ${head.size} records is not one that this log's key signed, and the log ends after ${size}`;
    this.#problems.push({ kind: isSigned(note, this.#key) ? "truncated" : "signature", index: size, message });
    return true;
  }

  /** The newest checkpoint has the right root and a wrong signature: whoever rewrote the log could not sign. Finds since when. */
  async #findLastSigned(size: number): Promise<void> {
    let last = 0;
    for await (const note of this.#source.checkpoints()) {
      if (isSigned(note, this.#key)) last = Math.max(last, parseCheckpoint(note).size);
    }
    const message = `${rangeOf(last, size)} not signed: the checkpoint over them is not one that this log's key signed; they may have been rewritten`;
    this.#problems.push({ kind: "signature", index: last, message });
  }

  async #advance(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#notes.next();
      if (done) {
        this.#upcoming = undefined;
        return;
      }
      try {
        this.#upcoming = { note: value, head: parseCheckpoint(value) };
        return;
      } catch (error) {
        const after = this.#upcoming?.head.size ?? 0;
        const reason = error instanceof Error ? error.message : String(error);
        this.#problems.push({
          kind: "signature",
          index: after,
          message: `a checkpoint after the one for ${after} records cannot be read: ${reason}`,
        });
      }
    }
  }

  #take(): Problem[] {
    const problems = this.#problems;
    this.#problems = [];
    return problems;
  }
}

function fits(head: TreeHead, tree: RunningTree, key: LogKey): boolean {
  return head.origin === key.origin && head.size === tree.size && Buffer.compare(head.root, tree.root()) === 0;
}

function isSigned(note: string, key: LogKey): boolean {
  try {
    openCheckpoint(note, key);
    return true;
  } catch {
    return false;
  }
}

function openKnown(note: string, key: LogKey): TreeHead {
  try {
    return openCheckpoint(note, key);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditError("malformed", `The checkpoint given as known cannot be used. ${reason}`, { cause: error });
  }
}

function rangeOf(from: number, to: number): string {
  return to - from === 1 ? `record ${from}: it is` : `records ${from} to ${to - 1}: they are`;
}
