import { EMPTY_ROOT, HASH_SIZE, nodeHash } from "../hash.ts";

/** Whether a leaf hash is at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  proof: readonly Uint8Array[],
  size: number,
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes(proof)) return false;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(hash, root) === 0;
}

/** Whether the tree of `size` leaves begins with the tree of `oldSize` leaves (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || !areHashes(proof)) return false;
  if (oldSize === 0) return proof.length === 0 && Buffer.compare(oldRoot, EMPTY_ROOT) === 0;
  if (oldSize === size) return proof.length === 0 && Buffer.compare(oldRoot, root) === 0;
  // A complete older tree is itself the first node.
  const path = 2 ** Math.round(Math.log2(oldSize)) === oldSize ? [oldRoot, ...proof] : proof;
  let at = oldSize - 1;
  let last = size - 1;
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let old = first;
  let hash = first;
  for (const node of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      old = nodeHash(node, old);
      hash = nodeHash(node, hash);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, node);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(old, oldRoot) === 0 && Buffer.compare(hash, root) === 0;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(proof: readonly Uint8Array[]): boolean {
  return proof.every((hash) => hash.length === HASH_SIZE);
}
