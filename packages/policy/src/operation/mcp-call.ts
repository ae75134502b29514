import type { McpCall } from "../action.ts";
import type { Json } from "../canonical.ts";
import { CountersignError } from "../outcome.ts";
import type { NamedValue, OperationKind } from "./kind.ts";

/** A call of a tool. */
export const mcpCall: OperationKind<"mcp.call"> = {
  write: ({ server, tool, arguments: given, schema }) => ({
    $case: "mcpCall",
    value: { server, tool, argumentsJson: JSON.stringify(given), schemaJson: schema === undefined ? "" : JSON.stringify(schema) },
  }),
  read: ({ server, tool, argumentsJson, schemaJson }) => ({
    ...{ kind: "mcp.call", server, tool, arguments: readArguments(argumentsJson) },
    ...(schemaJson === "" ? {} : { schema: readJson(schemaJson, "schema_json") }),
  }),
  text: ({ server, tool, arguments: given }) => `${server}/${tool} ${JSON.stringify(given)}`,
  parts: ({ server, tool, arguments: given, schema }) => [
    { name: "Tool", type: "values", values: [called("server", server), called("name", tool)] },
    { name: "Arguments", type: "block", content: { text: JSON.stringify(given) }, syntax: "json" },
    ...(schema === undefined
      ? []
      : [{ name: "Input schema", type: "block", content: { text: JSON.stringify(schema) }, syntax: "json" } as const]),
  ],
};

function called(name: string, text: string): NamedValue {
  return { name, content: { text } };
}

function readArguments(text: string): McpCall["arguments"] {
  const value = text === "" ? {} : readJson(text, "arguments_json");
  if (isObject(value)) return value;
  throw new CountersignError("invalid_request", "`arguments_json` is not a JSON object.");
}

function isObject(value: Json): value is McpCall["arguments"] & Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is approved and sent is what was read here, written anew: of a name that stands twice, the last. */
function readJson(text: string, field: string): Json {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CountersignError("invalid_request", `\`${field}\` is not JSON.`, { cause });
  }
}
