import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, type Node, parseDocument as parseYaml } from "yaml";
import { DocumentError, type Problem } from "./problem.ts";
import { offsetInScalar } from "./text-place.ts";

/** Keys and indices that lead to a place in a document. */
export type Path = readonly PropertyKey[];

/** A YAML file as plain values, together with where each of them stands. */
export interface OpenDocument {
  readonly value: unknown;
  /** A problem at a place; of a text scalar, at an offset in it. For a key that is missing it is the place where the key would be. */
  problem(path: Path, message: string, offset?: number): Problem;
  /** A problem at a key rather than at its value. */
  problemAtKey(path: Path, message: string): Problem;
}

/**
 * Parses a YAML file (1.2, one document, text keys, no custom tags).
 *
 * @throws {DocumentError} when it is not YAML.
 */
export function openDocument(file: string, text: string): OpenDocument {
  const lines = new LineCounter();
  const document = parseYaml(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true });
  const at = (offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new DocumentError(faults.map((fault) => at(fault.pos[0], `not valid YAML: ${fault.message}`)));
  return {
    value: toValue(document, (message) => at(0, message)),
    problem: (path, message, offset) => at(offsetOf(document, path, text, offset), message),
    problemAtKey: (path, message) => at(keyOffset(document, path), message),
  };
}

function toValue(document: Document, problem: (message: string) => Problem): unknown {
  try {
    // Aliases that multiply (a "billion laughs") end here.
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new DocumentError([problem(`not usable YAML: ${error instanceof Error ? error.message : String(error)}`)]);
  }
}

function offsetOf(document: Document, path: Path, text: string, within: number | undefined): number {
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    if (!node?.range) continue;
    return length === path.length && within !== undefined ? offsetInScalar(node, text, within) : node.range[0];
  }
  return 0;
}

function keyOffset(document: Document, path: Path): number {
  const map = nodeAt(document, path.slice(0, -1));
  const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1)) : undefined;
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path, "", undefined);
}

function nodeAt(document: Document, path: Path): Node | undefined {
  const found = path.length === 0 ? document.contents : document.getIn(path, true);
  const node = isAlias(found) ? found.resolve(document) : found;
  return isNode(node) ? node : undefined;
}
