import { leafHash } from "../hash.ts";
import { TILE_WIDTH } from "../tile.ts";
import type { Problem } from "./problem.ts";
import { parseRecord } from "./record.ts";
import type { SourceRecord } from "./source.ts";

/** A leaf of the tree as far as it is known, with the record that belongs to it. */
export interface AlignedLeaf {
  readonly index: number;
  /** Undefined when a record is missing and no tile tells its hash. */
  readonly leaf: Uint8Array | undefined;
  /** Undefined when the record is missing, or is not what was logged. */
  readonly bytes: Uint8Array | undefined;
}

/** Gives the hash that the tiles hold for a leaf. */
export type LeafReader = (index: number) => Promise<Uint8Array | undefined>;

/** How far around its place a record is looked for. */
const REACH = TILE_WIDTH;

/** Longest hole that is gone through record by record: a made-up place far out must not keep the verifier counting for years. */
const LONGEST_GAP = 1_000_000;

/**
 * Lays the records beside the leaf hashes of the tiles, and names what was done where they differ: the same comparison that a text diff
 * makes, with one record of look-ahead.
 *
 * @param records - As the source gives them.
 * @param leafAt - The leaf hashes of the source's tiles.
 * @param found - Is told each problem.
 */
export async function* align(
  records: AsyncIterable<SourceRecord>,
  leafAt: LeafReader,
  found: (problem: Problem) => void,
): AsyncGenerator<AlignedLeaf> {
  let at = 0;
  let claimed = 0;
  const missing = async function* (count: number): AsyncGenerator<AlignedLeaf> {
    const one = count === 1;
    const trace = (await leafAt(at)) === undefined ? "" : `; ${one ? "its leaf is" : "their leaves are"} still in ${tileOf(at)}`;
    const message = `${one ? `record ${at}: it is` : `records ${at} to ${at + count - 1}: they are`} missing${trace}`;
    found({ kind: "missing", index: at, message });
    for (const end = at + count; at < end; at++) yield { index: at, leaf: await leafAt(at), bytes: undefined };
  };

  for await (const [record, next] of withNext(records)) {
    const gap = record.index - claimed;
    if (gap > LONGEST_GAP) {
      const message = `records ${at} to ${at + gap - 1}: they are missing, or ${describe(record.bytes)} was put in far behind the end`;
      found({ kind: "missing", index: at, message });
      yield { index: at, leaf: undefined, bytes: undefined };
      at += gap;
    }
    claimed = record.index + 1;
    if (gap > 0 && gap <= LONGEST_GAP) yield* missing(gap);
    const leaf = leafHash(record.bytes);
    const wanted = await leafAt(at);
    if (wanted === undefined || same(leaf, wanted)) {
      yield { index: at++, leaf, bytes: record.bytes };
      continue;
    }
    const nextLeaf = next && leafHash(next.bytes);
    const home = await find(leafAt, leaf, at);
    if (home !== undefined && home > at && (nextLeaf === undefined || same(nextLeaf, await leafAt(home + 1)))) {
      yield* missing(home - at);
      yield { index: at++, leaf, bytes: record.bytes };
    } else if (home !== undefined) {
      found({
        kind: "reordered",
        index: at,
        message: `record ${at}: here stands the record that belongs at ${home}, as ${tileOf(home)} shows`,
      });
      yield { index: at++, leaf: wanted, bytes: undefined };
    } else if (same(nextLeaf, wanted)) {
      found({
        kind: "inserted",
        index: at,
        message: `record ${at}: ${describe(record.bytes)} was put in before it; it is not in ${tileOf(at)}`,
      });
    } else {
      const message = `record ${at} (${describe(record.bytes)}): its bytes do not hash to leaf ${at % TILE_WIDTH} of ${tileOf(at)}; it was edited`;
      found({ kind: "edited", index: at, message });
      yield { index: at++, leaf: wanted, bytes: undefined };
    }
  }
}

async function find(leafAt: LeafReader, leaf: Uint8Array, around: number): Promise<number | undefined> {
  for (let distance = 1; distance <= REACH; distance++) {
    if (same(leaf, await leafAt(around + distance))) return around + distance;
    if (distance <= around && same(leaf, await leafAt(around - distance))) return around - distance;
  }
  return undefined;
}

async function* withNext<T>(items: AsyncIterable<T>): AsyncGenerator<[T, T | undefined]> {
  let current: T | undefined;
  for await (const item of items) {
    if (current !== undefined) yield [current, item];
    current = item;
  }
  if (current !== undefined) yield [current, undefined];
}

function describe(bytes: Uint8Array): string {
  const record = parseRecord(bytes);
  return typeof record === "string" ? "not a record" : `sequence ${record.sequence} of sidecar ${record.sidecar}`;
}

function tileOf(index: number): string {
  return `tile 0/${Math.floor(index / TILE_WIDTH)}`;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
