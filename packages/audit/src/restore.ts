import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { AuditError } from "./audit-error.ts";
import { leafHash } from "./hash.ts";
import type { LogState, WriterHead } from "./log-store.ts";
import { Tree } from "./tree.ts";

/** A log as its writer goes on with it. */
export interface RestoredLog {
  readonly tree: Tree;
  readonly writers: Map<string, WriterHead>;
  /** Writers whose stored heads are behind: they have written since the last tile of level 0 became full. */
  readonly moved: Set<string>;
  readonly checkpoint: string | undefined;
}

/**
 * Rebuilds the right edge of the tree and holds it against the newest checkpoint, so that nothing is appended to a log whose end was
 * tampered with or that another key signs. Reads at most 255 records; the whole log is the verifier's work.
 *
 * @throws {AuditError} `corrupt`.
 */
export function restoreLog(state: LogState, origin: string, key: KeyObject): RestoredLog {
  const leaves = state.tail.map(leafHash);
  const writers = new Map(state.writers.map((head) => [head.writer, head]));
  const moved = new Set<string>();
  if (state.size === 0) return { tree: new Tree(), writers, moved, checkpoint: undefined };
  let tree: Tree;
  try {
    tree = Tree.restore(state.size, state.tiles, leaves);
  } catch (error) {
    throw corrupt("tiles or records at its end are missing or too many", error);
  }
  const text = `${origin}\n${state.size}\n${Buffer.from(tree.root()).toString("base64")}\n`;
  if (state.checkpoint === undefined) throw corrupt("its checkpoint is missing");
  if (!state.checkpoint.startsWith(`${text}\n`)) throw corrupt("its last records do not have the hash that its checkpoint signs");
  const signature = Buffer.from(state.checkpoint.slice(text.length).trimEnd().split(" ").at(-1) ?? "", "base64").subarray(4);
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  if (!verify(null, Buffer.from(text), publicKey, signature)) throw corrupt("its checkpoint was not signed by this key");
  // Only now are the records known to be the log's own.
  state.tail.forEach((bytes, at) => {
    const head = headOf(bytes, leaves[at] ?? leafHash(bytes));
    writers.set(head.writer, head);
    moved.add(head.writer);
  });
  return { tree, writers, moved, checkpoint: state.checkpoint };
}

function headOf(bytes: Uint8Array, leaf: Uint8Array): WriterHead {
  const record: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (typeof record === "object" && record !== null && "sidecar" in record && "sequence" in record) {
    const { sidecar, sequence } = record;
    if (typeof sidecar === "string" && typeof sequence === "number") return { writer: sidecar, sequence, leaf };
  }
  throw corrupt("a record names no writer");
}

function corrupt(what: string, cause?: unknown): AuditError {
  const help = 'Run "countersign audit verify" to find the place, and restore the log or start a new one.';
  return new AuditError("corrupt", `The stored audit log was changed from outside: ${what}. ${help}`, { cause });
}
