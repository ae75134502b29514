import { canonicalJson, type Json } from "@countersign/policy";

/** One step into an object. */
export type Step =
  | { readonly at: "name"; readonly name: string }
  /** The element of a list that has these members. */
  | { readonly at: "element"; readonly key: readonly (readonly [name: string, value: Json])[] }
  /** The element of a list without such members, from 0: of what is now where something goes, otherwise of what would be. */
  | { readonly at: "index"; readonly index: number }
  /** The order of a list whose elements have keys. */
  | { readonly at: "order" };

/** One value that is different. */
export interface FieldDifference {
  readonly path: readonly Step[];
  /** Absent: it is new. */
  readonly before?: Json;
  /** Absent: it goes. */
  readonly after?: Json;
}

/** JSON's objects. */
export type Fields = { readonly [name: string]: Json | undefined };

/** What tells the elements of a list apart ("Server-Side Apply", merge strategy), the most telling first. What may be left out is `TCP` or as good as. */
const listKeys: readonly (readonly string[])[] = [
  ["mountPath"],
  ["devicePath"],
  ["containerPort", "protocol"],
  ["uid"],
  ["name"],
  ["port", "protocol"],
  ["type"],
  ["ip"],
  ["topologyKey", "whenUnsatisfiable"],
];
const leftOut: ReadonlySet<string> = new Set(["protocol"]);

/** All that is different between two values, down to what holds no others. Empty when nothing is. */
export function fieldDifferences(before: Json | undefined, after: Json | undefined): readonly FieldDifference[] {
  return [...between(before, after, [])];
}

function* between(before: Json | undefined, after: Json | undefined, path: readonly Step[]): Iterable<FieldDifference> {
  if (before === undefined && after === undefined) return;
  if (before !== undefined && after !== undefined && same(before, after)) return;
  const all = [before, after].filter((one) => one !== undefined);
  if (all.every(isFields) && !all.every(isEmpty)) yield* betweenFields(before, after, path);
  else if (all.every(isList)) yield* betweenLists(before, after, path);
  else yield { path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}

function* betweenFields(before: Json | undefined, after: Json | undefined, path: readonly Step[]): Iterable<FieldDifference> {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)]))
    yield* between(own(old, name), own(now, name), [...path, { at: "name", name }]);
}

function* betweenLists(before: Json | undefined, after: Json | undefined, path: readonly Step[]): Iterable<FieldDifference> {
  const [old, now] = [isList(before) ? before : [], isList(after) ? after : []];
  const keys = listKeys.find((one) => areKeys(one, old) && areKeys(one, now));
  const holdsFields = [...old, ...now].some((item) => isFields(item));
  if (keys !== undefined && holdsFields) yield* betweenElements(old, now, keys, path);
  // Of a list of plain values the whole says most: a program's arguments, for example.
  else if (!holdsFields) yield { path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
  else yield* betweenPlaces(old, now, path);
}

function* betweenElements(
  old: readonly Json[],
  now: readonly Json[],
  keys: readonly string[],
  path: readonly Step[],
): Iterable<FieldDifference> {
  const [was, is] = [old, now].map((list) => new Map(list.map((item) => [keyText(item, keys), item] as const)));
  if (was === undefined || is === undefined) return;
  for (const id of new Set([...was.keys(), ...is.keys()])) {
    const item = was.get(id) ?? is.get(id);
    const key = keys
      .flatMap((name) => [[name, own(fieldsOf(item), name)] as const])
      .flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    yield* between(was.get(id), is.get(id), [...path, { at: "element", key }]);
  }
  const [oldOrder, newOrder] = [[...was.keys()].filter((id) => is.has(id)), [...is.keys()].filter((id) => was.has(id))];
  // Containers start, and variables refer to each other, in their order.
  if (oldOrder.join("\n") !== newOrder.join("\n")) yield { path: [...path, { at: "order" }], before: oldOrder, after: newOrder };
}

/** What is equal at both ends is the same; what is between is compared one by one, or stands for itself. */
function* betweenPlaces(old: readonly Json[], now: readonly Json[], path: readonly Step[]): Iterable<FieldDifference> {
  let start = 0;
  while (start < old.length && start < now.length && same(old[start], now[start])) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && same(old.at(-1 - end), now.at(-1 - end))) end++;
  const [gone, come] = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  const at = (offset: number): readonly Step[] => [...path, { at: "index", index: start + offset }];
  if (gone.length === come.length) {
    for (const [offset, item] of gone.entries()) yield* between(item, come[offset], at(offset));
    return;
  }
  for (const [offset, before] of gone.entries()) yield { path: at(offset), before };
  for (const [offset, after] of come.entries()) yield { path: at(offset), after };
}

function areKeys(keys: readonly string[], list: readonly Json[]): boolean {
  const ids = new Set<string>();
  for (const item of list) {
    if (!isFields(item) || !keys.every((name) => isKey(own(item, name)) || (leftOut.has(name) && own(item, name) === undefined)))
      return false;
    ids.add(keyText(item, keys));
  }
  return ids.size === list.length;
}

function keyText(item: Json | undefined, keys: readonly string[]): string {
  return JSON.stringify(keys.map((name) => own(fieldsOf(item), name) ?? null));
}

function isKey(value: Json | undefined): boolean {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}

/** Whether two values are the same, whatever the order of their members. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
}

/** Nothing in it to compare: it is told as a whole. */
function isEmpty(value: Json | undefined): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function own(fields: Fields, name: string): Json | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function fieldsOf(value: Json | undefined): Fields {
  return isFields(value) ? value : {};
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether JSON is an object. */
export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
