/** Levels of the tree in one tile (C2SP tlog-tiles). */
export const TILE_HEIGHT = 8;

/** Hashes in a full tile. */
export const TILE_WIDTH = 256;

/** Hashes of one row of the tree, `TILE_HEIGHT * level` above the leaves, starting at `index * TILE_WIDTH` (C2SP tlog-tiles). */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** 1 to {@link TILE_WIDTH} hashes, 32 bytes each. */
  readonly hashes: Uint8Array;
}

/** Where a tile is published: `tile/<level>/<index>` and, when it is partial, `.p/<width>`. */
export function tilePath(level: number, index: number, width: number): string {
  const digits = index.toString();
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/.{3}/g) ?? [];
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join("/");
  return `tile/${level}/${path}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Every tile of a tree of `size` leaves, level by level, from the left. */
export function* tilesOf(size: number): Generator<{ level: number; index: number; width: number }> {
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < count; index++) {
      yield { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
    }
  }
}
