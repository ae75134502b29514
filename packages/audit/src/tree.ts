import { HASH_SIZE, nodeHash } from "./hash.ts";
import { type NodeReader, proveInclusion, rootHash } from "./proof.ts";
import { TILE_HEIGHT, TILE_WIDTH, type Tile } from "./tile.ts";

/** A tile that grows, with the inner nodes above its hashes. What is written is never changed, so that older proofs may go on reading it. */
class GrowingTile {
  readonly index: number;
  width = 0;
  readonly #nodes = Buffer.allocUnsafe((2 * TILE_WIDTH - 2) * HASH_SIZE);

  constructor(index: number) {
    this.index = index;
  }

  /** Adds a hash; gives the tile's own root when that has filled it. */
  push(hash: Uint8Array): Uint8Array | undefined {
    let position = this.width++;
    let node = hash;
    for (let height = 0; height < TILE_HEIGHT; height++) {
      this.#nodes.set(node, offsetOf(height, position));
      if (position % 2 === 0) return undefined;
      node = nodeHash(this.node(height, position - 1), node);
      position = (position - 1) / 2;
    }
    return node;
  }

  node(height: number, position: number): Uint8Array {
    const offset = offsetOf(height, position);
    return this.#nodes.subarray(offset, offset + HASH_SIZE);
  }

  /** A copy of its hashes. */
  hashes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#nodes, 0, this.width * HASH_SIZE);
  }
}

/** Rows are stored one after the other: 256 hashes, then the 128 above them, and so on. */
function offsetOf(height: number, position: number): number {
  return (2 * TILE_WIDTH - ((2 * TILE_WIDTH) >> height) + position) * HASH_SIZE;
}

/** The state of a {@link Tree} at one size; cheap to take. */
export interface TreeMark {
  readonly size: number;
  readonly edge: readonly { readonly tile: GrowingTile; readonly width: number }[];
}

/**
 * The writer's Merkle tree. Only the right edge is in memory (one tile for each 8 levels: some 50 KB at a billion records), which is all
 * that new leaves, roots and the proofs of just-added leaves need.
 */
export class Tree {
  #size = 0;
  #edge: GrowingTile[] = [];
  /** Tiles that were changed or filled since the last {@link commit}. */
  #touched = new Set<{ readonly level: number; readonly tile: GrowingTile }>();

  get size(): number {
    return this.#size;
  }

  /**
   * A tree as it was stored.
   *
   * @param size - Leaves in the tree.
   * @param tiles - The incomplete, non-empty tiles of levels 1 and up.
   * @param tail - The leaf hashes after the last full tile of level 0.
   * @throws {RangeError} when they do not make a tree of that size.
   */
  static restore(size: number, tiles: readonly Tile[], tail: readonly Uint8Array[]): Tree {
    const tree = new Tree();
    for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
      const index = Math.floor(count / TILE_WIDTH);
      const stored = tiles.find((tile) => tile.level === level && tile.index === index)?.hashes ?? new Uint8Array(0);
      const hashes = level === 0 ? Buffer.concat(tail) : stored;
      if (hashes.length !== (count % TILE_WIDTH) * HASH_SIZE) {
        throw new RangeError(
          `Tile ${index} of level ${level} has ${hashes.length} bytes; a tree of ${size} needs ${(count % TILE_WIDTH) * HASH_SIZE}`,
        );
      }
      const tile = new GrowingTile(index);
      for (let at = 0; at < hashes.length; at += HASH_SIZE) tile.push(hashes.subarray(at, at + HASH_SIZE));
      tree.#edge.push(tile);
    }
    tree.#size = size;
    return tree;
  }

  /** Adds a leaf. */
  push(leaf: Uint8Array): void {
    let hash: Uint8Array | undefined = leaf;
    for (let level = 0; hash !== undefined; level++) {
      const tile: GrowingTile = this.#edge[level] ?? new GrowingTile(0);
      this.#edge[level] = tile;
      hash = tile.push(hash);
      // A partial level-0 tile is not stored: its hashes are kept with the records. Others change once in 256 records.
      if (hash !== undefined || level > 0) this.#touched.add({ level, tile });
      if (hash !== undefined) this.#edge[level] = new GrowingTile(tile.index + 1);
    }
    this.#size++;
  }

  root(): Uint8Array {
    return rootHash(this.#size, this.#reader([]));
  }

  /** Marks a state to come back to. */
  mark(): TreeMark {
    return { size: this.#size, edge: this.#edge.map((tile) => ({ tile, width: tile.width })) };
  }

  /** Forgets the leaves added since the mark: they could not be stored. */
  rollBack(mark: TreeMark): void {
    this.#size = mark.size;
    this.#edge = mark.edge.map(({ tile, width }) => {
      tile.width = width;
      return tile;
    });
    this.#touched.clear();
  }

  /** The tiles to store for the leaves added since the last {@link commit}. */
  changedTiles(): Tile[] {
    const latest = new Map<GrowingTile, number>();
    for (const { level, tile } of this.#touched) latest.set(tile, level);
    return [...latest].map(([tile, level]) => ({ level, index: tile.index, hashes: tile.hashes() }));
  }

  /**
   * Declares the leaves added so far as stored, and gives the inclusion proofs of the newest ones in the tree of this size. The proofs read
   * memory that later leaves do not change, so they may be made at any time, or never.
   */
  commit(): (index: number) => Uint8Array[] {
    const size = this.#size;
    const reader = this.#reader([...this.#touched]);
    this.#touched.clear();
    return (index) => proveInclusion(index, size, reader).map((hash) => Uint8Array.prototype.slice.call(hash));
  }

  #reader(filled: readonly { readonly level: number; readonly tile: GrowingTile }[]): NodeReader {
    const tiles = this.#edge.map((tile) => [tile]);
    for (const { level, tile } of filled) tiles[level]?.push(tile);
    return (height, index) => {
      const level = Math.floor(height / TILE_HEIGHT);
      const inner = height % TILE_HEIGHT;
      const span = TILE_WIDTH / 2 ** inner;
      const tile = tiles[level]?.find((candidate) => candidate.index === Math.floor(index / span));
      if (tile === undefined) throw new RangeError(`Node ${index} at height ${height} is not at the right edge of the tree`);
      return tile.node(inner, index % span);
    };
  }
}
