import { TILE_HEIGHT, TILE_WIDTH } from "../tile.ts";
import type { LeafReader } from "./alignment.ts";
import type { Problem } from "./problem.ts";
import type { LogSource } from "./source.ts";

type Hashes = readonly (Uint8Array | undefined)[];

/** Reads leaf hashes from a source's tiles, a few tiles at a time. */
export function leafReader(source: LogSource): LeafReader {
  const recent = new Map<number, Hashes>();
  return async (index) => {
    const tile = Math.floor(index / TILE_WIDTH);
    let hashes = recent.get(tile);
    if (hashes === undefined) {
      hashes = await source.tile(0, tile);
      recent.set(tile, hashes);
      // The place itself and its neighbours on both sides.
      if (recent.size > 4) recent.delete(Math.min(...recent.keys()));
    }
    return hashes[index % TILE_WIDTH];
  };
}

/** Holds the tiles above level 0 against the nodes that the verifier computed from the leaves. */
export class UpperTiles {
  readonly #source: LogSource;
  readonly #current = new Map<number, { readonly index: number; readonly hashes: Hashes }>();

  constructor(source: LogSource) {
    this.#source = source;
  }

  /**
   * Checks the nodes that a leaf closed.
   *
   * @param size - Leaves up to and with that one.
   * @param closed - Complete nodes by height, from 1.
   */
  async check(size: number, closed: readonly Uint8Array[]): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (let level = 1; level * TILE_HEIGHT <= closed.length; level++) {
      const node = closed[level * TILE_HEIGHT - 1];
      const index = size / TILE_WIDTH ** level - 1;
      const stored = (await this.#tile(level, Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH];
      if (node === undefined || (stored !== undefined && Buffer.compare(stored, node) === 0)) continue;
      const where = `tile ${level}/${Math.floor(index / TILE_WIDTH)}, hash ${index % TILE_WIDTH}`;
      const first = size - TILE_WIDTH ** level;
      const what = stored === undefined ? "it is missing" : "it is not the hash";
      problems.push({ kind: "tile", index: first, message: `${where}: ${what} of records ${first} to ${size - 1}` });
    }
    return problems;
  }

  async #tile(level: number, index: number): Promise<Hashes> {
    const current = this.#current.get(level);
    if (current?.index === index) return current.hashes;
    const hashes = await this.#source.tile(level, index);
    this.#current.set(level, { index, hashes });
    return hashes;
  }
}
