import { LRUCache } from "lru-cache";
import type { McpCall } from "../action.ts";
import type { Json } from "../canonical.ts";
import type { Protocol } from "./fact.ts";
import { type McpFacts, mcpFacts } from "./mcp/definition.ts";
import { nameDoubts } from "./mcp/name.ts";
import { readSchema, type ToolSchema } from "./mcp/schema.ts";
import { freezeJson, type JsonFact } from "./request/json-value.ts";
import { refused, tooLarge } from "./request/refusal.ts";

/** MCP tool calls to rules. */
export const mcp: Protocol<McpFacts> = {
  variable: "mcp",
  table: mcpFacts,
  summary: ({ server, tool }) => `${encodeURI(server)}/${encodeURI(tool)}`,
  // What a tool does is not known; its own hints (readOnlyHint) are the server's word only.
  readOnly: () => false,
};

/** Characters of arguments above which a call is not taken, and above which it is not looked into. */
const most = { taken: 4 * 1024 * 1024, read: 256 * 1024, seen: 16 * 1024 };

/** Seen calls. At most some 16 MB of text. */
const seen = new LRUCache<string, McpFacts>({
  max: 10_000,
  maxSize: 16 * 1024 * 1024,
  // The text is held twice (in the key and in the facts) at up to two bytes a character.
  sizeCalculation: (_, key) => 4 * key.length + 1000,
});

/**
 * What a call of an MCP server's tool asks for.
 *
 * @throws {CountersignError} as `classify`.
 */
export function classifyMcp({ server, tool, arguments: given, schema: listed }: McpCall): McpFacts {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw refused("The arguments are not an object.");
  const schema = listed === undefined ? undefined : readSchema(listed);
  const frozen = freezeJson(given, "the call");
  const text = JSON.stringify(frozen.value);
  if (text.length > most.taken) throw tooLarge(`The arguments are larger than ${most.taken} characters.`);
  const args = text.length > most.read ? { value: null, doubts: [tooLong] } : frozen;
  if (text.length > most.seen) return read(server, tool, args, schema);
  const key = JSON.stringify([server, tool, schema?.digest, frozen.doubts]) + text;
  const before = seen.get(key);
  if (before) return before;
  const facts = read(server, tool, args, schema);
  seen.set(key, facts);
  return facts;
}

const tooLong = `the call is not looked into: its arguments are larger than ${most.read} characters`;

function read(server: string, tool: string, args: JsonFact, schema: ToolSchema | undefined): McpFacts {
  const doubts = new Set([...nameDoubts(server, "the server's name"), ...nameDoubts(tool, "the tool's name"), ...args.doubts]);
  if (schema?.names && namesOf(args.value).some((name) => !schema.names?.has(name)))
    doubts.add("an argument is not one that the tool's schema lists");
  return Object.freeze({
    server,
    tool,
    args: args.value,
    schemaDigest: schema?.digest ?? "",
    opaque: doubts.size > 0,
    doubts: Object.freeze([...doubts].sort()),
  });
}

function namesOf(args: Json): readonly string[] {
  return typeof args === "object" && args !== null ? Object.keys(args) : [];
}
