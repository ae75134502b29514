import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_ROOT, leafHash, nodeHash } from "./hash.ts";
import { type NodeReader, proveConsistency, proveInclusion } from "./proof.ts";
import { tilePath, tilesOf } from "./tile.ts";
import { Tree } from "./tree.ts";
import { verifyConsistency, verifyInclusion } from "./verify/proof.ts";
import { RunningTree } from "./verify/running-tree.ts";

/** The test vectors of certificate-transparency-go and of RFC 6962's reference implementation: the leaves, and the roots by size. */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString("hex");
const vectorLeaves = LEAVES.map((leaf) => leafHash(Buffer.from(leaf, "hex")));
const leafAt = (index: number): Uint8Array => leafHash(Buffer.from(`leaf ${index}`));

/** RFC 9162 §2.1.1 word for word: slow, and nothing to do with tiles. */
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(definition(leaves.slice(0, split)), definition(leaves.slice(split)));
}

const nodesOf =
  (leaves: readonly Uint8Array[]): NodeReader =>
  (height, index) =>
    definition(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height));

describe("the Merkle tree", () => {
  it("has the known roots of the certificate-transparency vectors", () => {
    const tree = new Tree();
    const running = new RunningTree();
    const roots = [hex(tree.root())];
    for (const leaf of vectorLeaves) {
      tree.push(leaf);
      running.push(leaf);
      roots.push(hex(tree.root()));
      expect(hex(running.root())).toBe(roots.at(-1));
    }
    expect(roots).toEqual(ROOTS);
  });

  it("makes the known inclusion and consistency proofs", () => {
    const nodes = nodesOf(vectorLeaves);
    expect(proveInclusion(5, 8, nodes).map(hex)).toEqual([
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    expect(proveConsistency(6, 8, nodes).map(hex)).toEqual([
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    expect(proveConsistency(4, 7, nodes)).toHaveLength(1);
  });

  it("has the root that the definition gives, also across tiles", () => {
    const tree = new Tree();
    const leaves: Uint8Array[] = [];
    for (let size = 1; size <= 600; size++) {
      leaves.push(leafAt(size - 1));
      tree.push(leafAt(size - 1));
      if (size % 37 === 0 || [255, 256, 257, 511, 512, 513].includes(size))
        expect(hex(tree.root())).toBe(hex(definition(leaves)));
    }
  });

  it("proves every leaf and every earlier size, and the verifier accepts exactly that", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(), (size, leafSeed, oldSeed) => {
        const leaves = Array.from({ length: size }, (_, index) => leafAt(index));
        const root = definition(leaves);
        const nodes = nodesOf(leaves);
        const index = leafSeed % size;
        const proof = proveInclusion(index, size, nodes);
        expect(verifyInclusion(leafAt(index), index, proof, size, root)).toBe(true);
        expect(verifyInclusion(leafAt(index + 1), index, proof, size, root)).toBe(false);
        expect(verifyInclusion(leafAt(index), (index + 1) % (size + 1), proof, size, root)).toBe(false);
        expect(verifyInclusion(leafAt(index), index, [...proof, root], size, root)).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(leafAt(index), index, proof.slice(1), size, root)).toBe(false);

        const old = oldSeed % (size + 1);
        const oldRoot = definition(leaves.slice(0, old));
        const consistency = proveConsistency(old, size, nodes);
        expect(verifyConsistency(old, oldRoot, size, root, consistency)).toBe(true);
        expect(verifyConsistency(old, leafAt(99), size, root, consistency)).toBe(false);
        if (old !== 0) expect(verifyConsistency(old, oldRoot, size, leafAt(99), consistency)).toBe(false);
        expect(verifyConsistency(old, oldRoot, size, root, [...consistency, root])).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it("refuses a flipped bit anywhere in a proof", () => {
    const leaves = Array.from({ length: 21 }, (_, index) => leafAt(index));
    const proof = proveInclusion(13, 21, nodesOf(leaves));
    for (const [at, hash] of proof.entries()) {
      const flipped = Buffer.from(hash);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      expect(verifyInclusion(leafAt(13), 13, proof.with(at, flipped), 21, definition(leaves))).toBe(false);
    }
  });

  it("proves just-added leaves from memory, for the size at which they were added, however late it is asked", () => {
    const tree = new Tree();
    const proofs: { index: number; size: number; root: Uint8Array; prove: (index: number) => Uint8Array[] }[] = [];
    for (let size = 0; size < 1_100; ) {
      const group = 1 + ((size * 7) % 90);
      for (let n = 0; n < group; n++) tree.push(leafAt(size + n));
      const root = tree.root();
      tree.changedTiles();
      const prove = tree.commit();
      for (let n = 0; n < group; n++) proofs.push({ index: size + n, size: size + group, root, prove });
      size += group;
    }
    for (const { index, size, root, prove } of proofs) {
      expect(verifyInclusion(leafAt(index), index, prove(index), size, root), `leaf ${index} of ${size}`).toBe(true);
    }
  });

  it("forgets leaves that could not be stored, across the edge of a tile too", () => {
    const tree = new Tree();
    for (let index = 0; index < 250; index++) tree.push(leafAt(index));
    tree.commit();
    const root = tree.root();
    const mark = tree.mark();
    for (let index = 0; index < 300; index++) tree.push(leafAt(9_000 + index));
    tree.rollBack(mark);
    expect(hex(tree.root())).toBe(hex(root));
    expect(tree.changedTiles()).toEqual([]);
    for (let index = 250; index < 600; index++) tree.push(leafAt(index));
    expect(hex(tree.root())).toBe(hex(definition(Array.from({ length: 600 }, (_, index) => leafAt(index)))));
  });

  it.each([1, 255, 256, 257, 700, 65_535, 65_536, 65_537, 66_000])("goes on after a restart at %i leaves", (size) => {
    const tree = new Tree();
    const stored = new Map<string, Uint8Array>();
    for (let index = 0; index < size; index++) tree.push(leafAt(index));
    for (const { level, index, hashes } of tree.changedTiles()) stored.set(`${level}/${index}`, hashes);
    const incomplete = [...stored].flatMap(([name, hashes]) => {
      const [level = 0, index = 0] = name.split("/").map(Number);
      return level > 0 && hashes.length < 256 * 32 ? [{ level, index, hashes }] : [];
    });
    const tail = Array.from({ length: size % 256 }, (_, n) => leafAt(size - (size % 256) + n));
    const again = Tree.restore(size, incomplete, tail);
    expect(hex(again.root())).toBe(hex(tree.root()));
    for (let index = size; index < size + 300; index++) {
      tree.push(leafAt(index));
      again.push(leafAt(index));
    }
    expect(hex(again.root())).toBe(hex(tree.root()));
  });

  it("refuses to be restored from tiles that do not make its size", () => {
    expect(() => Tree.restore(300, [], [])).toThrow(RangeError);
    expect(() => Tree.restore(256, [], [])).toThrow(RangeError);
  });
});

describe("tiles", () => {
  it("have the paths of C2SP tlog-tiles", () => {
    expect(tilePath(0, 0, 256)).toBe("tile/0/000");
    expect(tilePath(1, 5, 17)).toBe("tile/1/005.p/17");
    expect(tilePath(0, 1_234_067, 256)).toBe("tile/0/x001/x234/067");
  });

  it("are listed level by level", () => {
    expect([...tilesOf(70_000)].filter(({ level }) => level > 0)).toEqual([
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect([...tilesOf(0)]).toEqual([]);
    expect([...tilesOf(257)]).toHaveLength(3);
  });
});
