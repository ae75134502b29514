import type { Scalar, Tree } from "./tree.ts";

/** A value that nobody is shown. */
export interface HiddenValue {
  /** Where it stands in the document, whatever stands before it. */
  readonly place: string;
  readonly at: Scalar;
  /** `encoded`: base64, as `data` has it. `document`: JSON as text, in which values are hidden by themselves. */
  readonly form: "plain" | "encoded" | "document";
  /** Whether it is part of a Secret; a `document` may be one by itself. */
  readonly isSecret: boolean;
}

/** What a value is, by its place in an object of an API server. */
interface Part {
  readonly role: "object" | "items" | "metadata" | "annotations" | "any" | HiddenValue["form"];
  /** Whether it is part of a Secret. */
  readonly isSecret: boolean;
}

/** kubectl's copy of what was applied last. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const secretMembers: ReadonlyMap<string, Part["role"]> = new Map([
  ["data", "encoded"],
  ["stringdata", "plain"],
  ["items", "items"],
]);

/**
 * The values of Secrets in a document: an object, a list of objects, a merge patch, or the changes of a JSON patch. Exactly these, as an API server
 * reads them: what is hidden without need is approved unseen (THREATS.md ap-display).
 *
 * @param isSecret - Whether the request is about one; otherwise an object is one by its `kind`.
 */
export function secretValues(tree: Tree, isSecret: boolean): readonly HiddenValue[] {
  const found: HiddenValue[] = [];
  if (tree.type === "list" && isSecret) {
    for (const [index, item] of tree.items.entries()) patchOperation(item, `/${index}`, found);
  } else look(tree, { role: "object", isSecret }, "", found);
  return found;
}

function look(tree: Tree, part: Part, place: string, found: HiddenValue[]): void {
  if (tree.type === "list") {
    for (const [index, item] of tree.items.entries()) look(item, inside(part, String(index)), `${place}/${index}`, found);
  } else if (tree.type === "object") {
    const known = asObject(tree, part);
    for (const { name, value } of tree.members) look(value, inside(known, name), `${place}/${escaped(name)}`, found);
  } else if (isHidden(part, tree)) found.push({ place, at: tree, form: part.role, isSecret: part.isSecret });
}

/** What is at a name, or an index, of something. */
function inside({ role, isSecret }: Part, name: string): Part {
  switch (role) {
    case "object": {
      // API servers tell capitals apart, and ignore what they do not know: to hide it, too, hides nothing that counts.
      const hidden = isSecret ? secretMembers.get(name.toLowerCase()) : undefined;
      return { role: hidden ?? (name === "metadata" ? "metadata" : "any"), isSecret };
    }
    case "items":
      return { role: "object", isSecret };
    case "metadata":
      return { role: name === "annotations" ? "annotations" : "any", isSecret };
    case "annotations":
      return { role: name === lastApplied ? "document" : "any", isSecret };
    case "any":
    case "document":
      return { role: "any", isSecret: false };
    case "plain":
    case "encoded":
      return { role, isSecret };
  }
}

/** An object anywhere may be a Secret by its kind: in a list, or in what a controller makes one of. */
function asObject(tree: Extract<Tree, { type: "object" }>, part: Part): Part {
  if (part.role !== "any" && part.role !== "object") return part;
  // Of a member that comes twice API servers take the last.
  const kind = tree.members.findLast(({ name }) => name === "kind")?.value;
  const isKind = kind?.type === "text" && (kind.value === "Secret" || kind.value === "SecretList");
  const isSecret = part.role === "object" && part.isSecret;
  return { role: "object", isSecret: isSecret || isKind };
}

function isHidden(part: Part, { type, value }: Scalar): part is Part & { readonly role: HiddenValue["form"] } {
  if (part.role === "document") return type === "text";
  // A patch takes a value away by null, which has nothing to hide.
  return (part.role === "plain" || part.role === "encoded") && (type === "text" || value !== "null");
}

/** One change of a JSON patch (RFC 6902) of a Secret. */
function patchOperation(item: Tree, place: string, found: HiddenValue[]): void {
  const members = item.type === "object" ? item.members : [];
  // A name may come twice, and servers take the first or the last.
  const named = members.flatMap(({ name, value }) => (name.toLowerCase() === "path" ? [pointer(value)] : []));
  // Without a path nobody can tell what it is.
  const paths = named.length === 0 ? [["data"]] : named;
  const values = members.filter(({ name }) => name.toLowerCase() === "value");
  const all = values.flatMap(({ value }) => paths.flatMap((path) => valuesAt(path, value, `${place}/value`)));
  look(item, { role: "any", isSecret: false }, place, all);
  const known = new Set<Scalar>();
  for (const one of all) {
    if (!known.has(one.at)) found.push(one);
    known.add(one.at);
  }
}

function valuesAt(path: readonly string[], value: Tree, place: string): readonly HiddenValue[] {
  const found: HiddenValue[] = [];
  look(value, path.reduce<Part>(inside, { role: "object", isSecret: true }), place, found);
  return found;
}

/** The parts of a JSON pointer (RFC 6901); one that is no text says nothing, as does one without a slash. */
function pointer(tree: Tree): readonly string[] {
  const text = tree.type === "text" ? tree.value : "";
  const parts = text.split("/").slice(1);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
