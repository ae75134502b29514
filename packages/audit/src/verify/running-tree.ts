import { EMPTY_ROOT, nodeHash } from "../hash.ts";

/** The verifier's own tree: it keeps one hash for each complete subtree along the right edge, and nothing else. */
export class RunningTree {
  size = 0;
  /** By height; undefined where the size has no such bit. */
  readonly #peaks: (Uint8Array | undefined)[] = [];

  /** Adds a leaf hash; gives the complete nodes that it closes, by height from 1. */
  push(leaf: Uint8Array): readonly Uint8Array[] {
    const closed: Uint8Array[] = [];
    let node = leaf;
    let height = 0;
    for (let left = this.#peaks[0]; left !== undefined; left = this.#peaks[height]) {
      node = nodeHash(left, node);
      this.#peaks[height++] = undefined;
      closed.push(node);
    }
    this.#peaks[height] = node;
    this.size++;
    return closed;
  }

  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const peak of this.#peaks) {
      if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root);
    }
    return root ?? EMPTY_ROOT;
  }
}
