import { EMPTY_ROOT, nodeHash } from "./hash.ts";

/** The complete node `height` levels above the leaves at `index`: the hash of leaves `[index·2^height, (index+1)·2^height)`. */
export type NodeReader = (height: number, index: number) => Uint8Array;

/** The root of the first `size` leaves (RFC 9162 §2.1.1). */
export function rootHash(size: number, node: NodeReader): Uint8Array {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, node);
}

/**
 * The audit path of the leaf at `index` in the tree of the first `size` leaves, from the leaf up (RFC 9162 §2.1.3.1).
 *
 * @throws {RangeError} when the leaf is not in that tree.
 */
export function proveInclusion(index: number, size: number, node: NodeReader): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new RangeError(`There is no leaf ${index} in a tree of ${size}`);
  const path: Uint8Array[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const split = from + splitOf(to - from);
    path.push(index < split ? rangeHash(split, to, node) : rangeHash(from, split, node));
    if (index < split) to = split;
    else from = split;
  }
  return path.reverse();
}

/**
 * Proof that the tree of `size` leaves begins with the tree of `oldSize` leaves (RFC 9162 §2.1.4.1). Empty when the sizes are equal or the
 * older tree is empty.
 *
 * @throws {RangeError} when the older tree is larger.
 */
export function proveConsistency(oldSize: number, size: number, node: NodeReader): Uint8Array[] {
  if (oldSize < 0 || oldSize > size) throw new RangeError(`A tree of ${size} leaves has no earlier tree of ${oldSize}`);
  if (oldSize === 0 || oldSize === size) return [];
  const path: Uint8Array[] = [];
  let from = 0;
  let to = size;
  while (oldSize !== to) {
    const split = from + splitOf(to - from);
    path.push(oldSize <= split ? rangeHash(split, to, node) : rangeHash(from, split, node));
    if (oldSize <= split) to = split;
    else from = split;
  }
  // The verifier knows the older root itself when it is a complete subtree from the left.
  if (from !== 0) path.push(rangeHash(from, to, node));
  return path.reverse();
}

/** The hash over leaves `[from, to)`, made of complete nodes; `from` is a multiple of the largest power of two not above the length. */
function rangeHash(from: number, to: number, node: NodeReader): Uint8Array {
  const length = to - from;
  const split = splitOf(length);
  if (length === 1 || split * 2 === length) return node(Math.log2(length), from / length);
  return nodeHash(rangeHash(from, from + split, node), rangeHash(from + split, to, node));
}

/** The largest power of two below `length`. */
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}
