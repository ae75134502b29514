import type { Hide } from "./hide.ts";
import { jsonTree } from "./json-tree.ts";
import { type HiddenValue, secretValues } from "./secret-values.ts";
import type { Tree } from "./tree.ts";
import { yamlTree } from "./yaml-tree.ts";

/** A document of which values are hidden. */
export interface ShownText {
  readonly text: string;
  /** What stands in the place of each. */
  readonly marks: readonly Mark[];
}

/** One hidden value and what is shown for it. */
export interface Mark {
  readonly place: string;
  /** What is shown, without quotes. */
  readonly shown: string;
  /** The value as it stands in the document, quotes included. */
  readonly written: string;
}

/** No Secret has more; to hide each takes its time. */
const mostValues = 5000;
/** What could hold no Secret is not taken apart; names may be written with escapes. */
const maybe = /secret|\\/i;
/** A Secret in what cannot be taken apart. */
const unreadSecret = /\bkind\b[^\n]{0,40}\bSecret\b/;

/**
 * A document for people: as it is, but for the values of Secrets. What cannot be taken apart and is about a Secret is hidden as a whole.
 *
 * @param isSecret - Whether the request is about a Secret.
 */
export function shownText(text: string, isSecret: boolean, hide: Hide): ShownText {
  if (!isSecret && !maybe.test(text)) return { text, marks: [] };
  const tree = treeOf(text);
  if (tree === undefined) return isSecret || unreadSecret.test(text) ? whole(text, hide) : { text, marks: [] };
  const values = secretValues(tree, isSecret);
  if (values.length > mostValues) return whole(text, hide);
  const marks: Mark[] = [];
  const parts: string[] = [];
  let from = 0;
  for (const value of values.toSorted((a, b) => a.at.start - b.at.start)) {
    const { start, end, value: raw } = value.at;
    const shown = shownValue(value, hide);
    if (shown === raw) continue;
    const written = text.slice(start, end);
    marks.push({ place: value.place, shown, written });
    // A block of YAML ends with its line.
    parts.push(text.slice(from, start), JSON.stringify(shown), written.endsWith("\n") ? "\n" : "");
    from = end;
  }
  return { text: parts.join("") + text.slice(from), marks };
}

/** Hidden values of a document by their places, as they are shown. */
export function hiddenPlaces(
  text: string,
  isSecret: boolean,
): readonly { readonly place: string; readonly value: HiddenValue }[] {
  const tree = treeOf(text);
  return tree === undefined ? [] : secretValues(tree, isSecret).map((value) => ({ place: value.place, value }));
}

/** The hidden values of a document, each as it stands there and as its bytes. */
export function hiddenValues(text: string, isSecret: boolean): readonly { readonly text: string; readonly bytes: Buffer }[] {
  const tree = treeOf(text);
  if (tree === undefined) return [];
  return secretValues(tree, isSecret).flatMap(({ at, form, isSecret: inSecret }) => {
    if (form === "document") return hiddenValues(at.value, inSecret);
    return [{ text: at.value, bytes: bytesOf(at.value, form) }];
  });
}

function treeOf(text: string): Tree | undefined {
  return jsonTree(text) ?? yamlTree(text);
}

function whole(text: string, hide: Hide): ShownText {
  const shown = hide(Buffer.from(text));
  return { text: shown, marks: [{ place: "", shown, written: text }] };
}

function shownValue({ at, form, isSecret }: HiddenValue, hide: Hide): string {
  if (form !== "document") return hide(bytesOf(at.value, form));
  // Not JSON: kubectl did not write it.
  if (jsonTree(at.value) === undefined) return isSecret ? hide(Buffer.from(at.value)) : at.value;
  return shownText(at.value, isSecret, hide).text;
}

/** The same value has the same bytes in `data` and in `stringData`. */
function bytesOf(value: string, form: HiddenValue["form"]): Buffer {
  const decoded = form === "encoded" ? Buffer.from(value, "base64") : undefined;
  return decoded?.toString("base64") === value ? decoded : Buffer.from(value);
}
