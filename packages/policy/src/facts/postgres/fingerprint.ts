import { hash } from "node:crypto";
import { isTree, listOf, nodeOf, type Tree, textOf } from "./tree.ts";

/**
 * The form of a statement: a text that is the same for statements which differ only in constants, layout and comments, and differs for all
 * others. NULL, true and false are words of the statement. The number of a parameter counts, for rules about parameters rely on it.
 * `IN`, `VALUES` and `ARRAY` lists that differ only in how many items of the same form they have are the same.
 *
 * libpg_query's own fingerprint is for statistics. It leaves out types, the order of columns, the bodies of functions and whatever nests
 * deeper than some forty levels; and with its 64 bits two statements with one fingerprint can be made at will. Here a harmless statement
 * must not stand in for another.
 */
export function formOf(statement: Tree): string {
  const items = new Map<string, number>();
  const writer = new FormWriter(items, 0);
  writer.fields(statement);
  let text = writer.text;
  for (const form of items.keys()) text += `|${form.length}:${form}`;
  return text;
}

/** 32 hex digits for the forms of a text's statements. */
export function fingerprintOf(forms: readonly string[]): string {
  let text = "countersign/sql/v1\n";
  for (const form of forms) text += `${form.length}:${form}`;
  return hash("sha256", text).slice(0, 32);
}

/** Where something stands in the text. */
export const places: ReadonlySet<string> = new Set([
  "location",
  "name_location",
  "rexpr_list_start",
  "rexpr_list_end",
  "list_start",
  "list_end",
]);

/** Writes trees so that each has one text and no two have the same: texts go with their length. */
class FormWriter {
  text = "";
  /** The forms of list items, and their numbers: a form is written once, however deep lists nest. */
  readonly #items: Map<string, number>;
  /** Parameters count from here. In a list item it is the item's first parameter, so that `($1, $2)` and `($3, $4)` have one form. */
  base: number | undefined;

  constructor(items: Map<string, number>, base?: number) {
    this.#items = items;
    this.base = base;
  }

  fields(node: Tree): void {
    for (const key in node) {
      const value = node[key];
      if (typeof value === "string") this.text += `${key} ${value.length}:${value}`;
      else if (Array.isArray(value)) this.#array(key, value);
      else if (isTree(value)) this.#node(key, value, node);
      else if (!places.has(key)) this.text += `${key} ${value};`;
    }
  }

  #node(key: string, value: Tree, parent: Tree): void {
    if (key === "String") this.#string(value);
    else if (key === "A_Const") this.#constant(value);
    else if (key === "ParamRef") this.#parameter(typeof value.number === "number" ? value.number : 0);
    else if (key === "rexpr" && parent.kind === "AEXPR_IN" && nodeOf(value, "List"))
      this.#list(key, listOf(nodeOf(value, "List")?.items));
    else {
      this.text += `${key}{`;
      this.fields(value);
      this.text += "}";
    }
  }

  #array(key: string, items: readonly unknown[]): void {
    if (key === "valuesLists" || key === "elements") {
      this.#list(key, items);
      return;
    }
    this.text += `${key}[`;
    for (const item of items) {
      if (isTree(item)) this.fields(item);
      else this.text += JSON.stringify(item);
      this.text += ",";
    }
    this.text += "]";
  }

  /** Of a list of values only which forms are in it, and with which parameter it begins. */
  #list(key: string, items: readonly unknown[]): void {
    const forms = new Set<number>();
    let first: number | undefined;
    for (const item of items) {
      const writer = new FormWriter(this.#items);
      if (isTree(item)) writer.fields(item);
      first ??= writer.base;
      const number = this.#items.get(writer.text) ?? this.#items.size;
      this.#items.set(writer.text, number);
      forms.add(number);
    }
    this.text += `${key}<`;
    if (first !== undefined) this.#parameter(first);
    this.text += `${[...forms].join()}>`;
  }

  #parameter(number: number): void {
    this.base ??= number;
    this.text += `$${number - this.base};`;
  }

  #string(node: Tree): void {
    const text = textOf(node.sval);
    this.text += `'${text.length}:${text}`;
  }

  #constant(node: Tree): void {
    if (node.isnull === true) this.text += "null;";
    else if (isTree(node.boolval)) this.text += node.boolval.boolval === true ? "true;" : "false;";
    else this.text += "?";
  }
}
