import { type Member, mostDepth, type Scalar, type Tree } from "./tree.ts";

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

type Open = { readonly members: Member[]; name?: string } | { readonly items: Tree[] };

/** Takes a JSON text apart: every member, also those that come twice, of which `JSON.parse` tells but one. Undefined for what is none, and too deep. */
export function jsonTree(text: string): Tree | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const open: Open[] = [];
  let root: Tree | undefined;
  const put = (tree: Tree) => {
    const into = open.at(-1);
    if (into === undefined) root = tree;
    else if ("items" in into) into.items.push(tree);
    else {
      into.members.push({ name: into.name ?? "", value: tree });
      delete into.name;
    }
  };
  for (const { 0: found, index } of text.matchAll(token)) {
    if (found === "," || found === ":") continue;
    if (found === "{" || found === "[") {
      if (open.length === mostDepth) return undefined;
      open.push(found === "{" ? { members: [] } : { items: [] });
      continue;
    }
    if (found === "}" || found === "]") {
      const closed = open.pop();
      if (closed !== undefined)
        put("items" in closed ? { type: "list", items: closed.items } : { type: "object", members: closed.members });
      continue;
    }
    const into = open.at(-1);
    if (into !== undefined && "members" in into && into.name === undefined) into.name = String(JSON.parse(found));
    else put(scalar(found, index));
  }
  return root;
}

function scalar(found: string, start: number): Scalar {
  const end = start + found.length;
  return found.startsWith('"')
    ? { type: "text", value: String(JSON.parse(found)), start, end }
    : { type: "other", value: found, start, end };
}
