import type { Random } from "../../harness/random.ts";

/** The bytes with one thing wrong. */
export function mutated(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const copy = Buffer.from(bytes);
  switch (random.below(5)) {
    case 0:
      if (at < copy.length) copy[at] = random.below(256);
      return copy;
    case 1:
      return copy.subarray(0, at);
    case 2:
      return Buffer.concat([copy.subarray(0, at), random.bytes(1 + random.below(6)), copy.subarray(at)]);
    case 3:
      if (copy.length >= 5) copy.writeUInt32BE(random.of([0, 3, 4, 5, 1000, 70_000, 0x3fffffff, 0xffffffff]) ?? 0, 1);
      return copy;
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.below(4))]);
  }
}

/** The same bytes in chunks as a network may deliver them. */
export function cutAnywhere(random: Random, bytes: Buffer): readonly Buffer[] {
  const chunks: Buffer[] = [];
  const most = random.of([1, 3, 20, bytes.length + 1]) ?? 1;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(most);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
