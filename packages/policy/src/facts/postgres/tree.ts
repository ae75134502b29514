/** A node of the parser's JSON tree: either its fields, or `{ Kind: fields }` where the tree may hold any kind. */
export interface Tree {
  readonly [field: string]: unknown;
}

/** Whether a value is a node. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The kind and the fields of a wrapped node; undefined for anything else, also for the empty object that stands for a null node. */
export function unwrap(value: unknown): { readonly kind: string; readonly node: Tree } | undefined {
  if (!isTree(value)) return undefined;
  for (const kind in value) {
    const node = value[kind];
    return isTree(node) ? { kind, node } : undefined;
  }
  return undefined;
}

/** The fields of a wrapped node of one kind. */
export function nodeOf(value: unknown, kind: string): Tree | undefined {
  const node = isTree(value) ? value[kind] : undefined;
  return isTree(node) ? node : undefined;
}

/** A list field; absent lists are empty. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text field; the parser leaves out empty texts. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The texts of a list of `String` nodes (a qualified name); undefined when something else is among them. */
export function namesOf(value: unknown): readonly string[] | undefined {
  const names: string[] = [];
  for (const item of listOf(value)) {
    const name = nodeOf(item, "String");
    if (!name) return undefined;
    names.push(textOf(name.sval));
  }
  return names;
}
