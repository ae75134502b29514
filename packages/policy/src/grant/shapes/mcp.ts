import type { McpCall } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import type { Shape, ShapeValue } from "../shape.ts";

/** A call of a tool: the server, the tool, its schema, the structure of its arguments; then their texts and numbers by path (RFC 6901). */
export function mcpShape({ server, tool, arguments: given, schema }: McpCall): Shape {
  const values: ShapeValue[] = [];
  const structure = leaves(given, "", values);
  return { fixed: { server, tool, schema: schema ?? null, listed: schema !== undefined, structure }, values };
}

/** The value with the type of each text and number in its place. Booleans and null are words of the call. */
function leaves(value: Json | undefined, path: string, values: ShapeValue[]): Json {
  if (typeof value === "string" || typeof value === "number") {
    values.push({ name: `argument ${path}`, value: { text: String(value) } });
    // No text of the call can be this: there, texts are under their own type.
    return { leaf: typeof value };
  }
  if (typeof value === "boolean" || value === null || value === undefined) return { word: String(value) };
  if (Array.isArray(value)) return { list: value.map((item: Json, index) => leaves(item, `${path}/${index}`, values)) };
  // By name: the order of an object's members means nothing, and must not exchange two values.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { members: members.map(([name, member]) => [name, leaves(member, `${path}/${escaped(name)}`, values)]) };
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
