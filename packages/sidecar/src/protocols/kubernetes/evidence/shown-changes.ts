import type { Evidence, Json } from "@countersign/policy";
import { lineDifference } from "../../../evidence/line-difference.ts";
import { type FieldDifference, type Fields, fieldDifferences, isFields } from "./field-difference.ts";
import { pathText } from "./field-path.ts";

/** What evidence says of two versions of an object. */
export type ShownChanges = Pick<Evidence, "changes" | "difference" | "failure">;

/** More is not listed, fields and characters of all of them. */
const mostFields = 300;
const mostCharacters = 64 * 1024;
/** Of one value, characters; what stands before its first difference gives way first. */
const mostOfValue = 1000;
const contextOfValue = 60;
/** Of the differences of texts. */
const mostOfTexts = 48 * 1024;

/** What is different between two versions of an object, field by field; texts of several lines, line by line. */
export function shownChanges(before: Json | undefined, after: Json | undefined): ShownChanges {
  const fields: { path: string; before?: string; after?: string }[] = [];
  const texts: string[] = [];
  const all = fieldDifferences(before, after);
  let [listed, inTexts] = [0, 0];
  for (const difference of all) {
    const path = pathText(difference.path);
    const { field, lines } = shown(path, difference);
    listed += path.length + (field.before?.length ?? 0) + (field.after?.length ?? 0);
    if (fields.length === mostFields || listed > mostCharacters) break;
    fields.push(field);
    inTexts += lines.length;
    if (lines !== "") texts.push(lines);
  }
  const difference = texts.join("\n");
  return {
    changes: { fields, more: all.length - fields.length },
    ...(difference !== "" && { difference: difference.slice(0, mostOfTexts) }),
    ...(inTexts > mostOfTexts && { failure: "Only a part of what is different in its texts is shown." }),
  };
}

function shown(path: string, { before, after }: FieldDifference) {
  if (typeof before === "string" && typeof after === "string" && (before + after).includes("\n")) {
    const lines = [`@ ${path}`, ...lineDifference(before, after)].join("\n");
    return { field: { path, before: textWords(before), after: textWords(after) }, lines };
  }
  const [old, now] = [before, after].map((side) => (side === undefined ? undefined : JSON.stringify(side)));
  const from = commonStart(old ?? "", now ?? "");
  const field = {
    path,
    ...(old !== undefined && { before: cut(old, from) }),
    ...(now !== undefined && { after: cut(now, from) }),
  };
  return { field, lines: "" };
}

/** Not JSON, so that no value looks like it. */
function textWords(text: string): string {
  return `(a text of ${text.split("\n").length} lines, see the difference)`;
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length === a.length || length === b.length ? 0 : length;
}

/** What is cut off says so, and what is different is in what is left. */
function cut(text: string, firstDifference: number): string {
  if (text.length <= mostOfValue) return text;
  const start = Math.max(0, firstDifference - contextOfValue);
  const end = start + mostOfValue;
  const rest = text.length - end;
  const part = text.slice(start, end).toWellFormed();
  return `${start > 0 ? `(${start} characters) …` : ""}${part}${rest > 0 ? `… (${rest} more characters)` : ""}`;
}

/** What every change touches, and nobody decides on. */
const bookkeeping = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
/** kubectl's copy of what was applied last. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** An object without what is no part of the decision: the server's own bookkeeping, and, unless it is asked about, the status. */
export function withoutBookkeeping(object: Json | undefined, keepsStatus: boolean): Json | undefined {
  if (!isFields(object)) return object;
  const { metadata, status, ...rest } = object;
  return {
    ...rest,
    ...(isFields(metadata) && { metadata: plainMetadata(metadata) }),
    ...(keepsStatus && status !== undefined && { status }),
  };
}

function plainMetadata(metadata: Fields): Fields {
  const own = Object.fromEntries(Object.entries(metadata).filter(([name]) => !bookkeeping.includes(name)));
  if (!isFields(own.annotations)) return own;
  const { annotations: all, ...rest } = own;
  const annotations = Object.fromEntries(Object.entries(all).filter(([name]) => name !== lastApplied));
  // An object that had kubectl's copy alone has none.
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Whether two versions of an object differ in kubectl's copy of what was applied last. */
export function differsInCopy(before: Json | undefined, after: Json | undefined): boolean {
  const [old, now] = [before, after].map((one) => {
    const annotations = isFields(one) && isFields(one.metadata) ? one.metadata.annotations : undefined;
    return isFields(annotations) ? annotations[lastApplied] : undefined;
  });
  return old !== now;
}

/** What is left out of every comparison, as a sentence. */
export function leftOutNote(keepsStatus: boolean, inCopy: boolean): string {
  const copy = inCopy ? " kubectl's copy of what was applied last, an annotation, is different as well, and is left out." : "";
  return `Not compared: ${bookkeeping.map((name) => `metadata.${name}`).join(", ")}${keepsStatus ? "" : ", status"}.${copy}`;
}
