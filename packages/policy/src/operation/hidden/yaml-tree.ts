import { isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import { mostDepth, type Tree } from "./tree.ts";

/** The parser takes long for what people do not write. */
const mostCharacters = 64 * 1024;

/** Takes one YAML document apart. Undefined for what is none, and for what says more than it shows: anchors, aliases, tags, too much of it. */
export function yamlTree(text: string): Tree | undefined {
  // API servers read YAML 1.1, in which these end a line: what is one text here may be another field there.
  if (text.length > mostCharacters || /[\u0085\u2028\u2029\ufeff]/.test(text)) return undefined;
  try {
    const document = parseDocument(text, { schema: "core", merge: false, uniqueKeys: false });
    if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
    return treeOf(document.contents, 0);
  } catch {
    return undefined;
  }
}

/** @throws {TypeError} for what is not taken apart. */
function treeOf(node: Node | null, depth: number): Tree {
  if (node === null || depth > mostDepth || node.tag !== undefined || ("anchor" in node && node.anchor !== undefined))
    throw new TypeError("not a plain node");
  if (isMap(node))
    return {
      type: "object",
      members: node.items.map(({ key, value }) => ({ name: nameOf(key), value: childOf(value, depth, key) })),
    };
  if (isSeq(node)) return { type: "list", items: node.items.map((item) => childOf(item, depth, item)) };
  if (!isScalar(node) || !node.range) throw new TypeError("not a plain node");
  const [start, end] = node.range;
  if (node.value === null) return { type: "other", value: "null", start, end };
  return { type: typeof node.value === "string" ? "text" : "other", value: String(node.value), start, end };
}

function nameOf(key: unknown): string {
  if (!isScalar(key) || key.tag !== undefined || key.anchor !== undefined) throw new TypeError("not a plain name");
  return String(key.value);
}

/** A name without a value stands for null, at its own place. */
function childOf(value: unknown, depth: number, near: unknown): Tree {
  if (isMap(value) || isSeq(value) || isScalar(value)) return treeOf(value, depth + 1);
  if (value !== null || !isScalar(near) || !near.range) throw new TypeError("not a plain node");
  return { type: "other", value: "null", start: near.range[1], end: near.range[1] };
}
