import type { McpCall } from "../action.ts";
import type { Protocol } from "./fact.ts";
import { type McpFacts, mcpFacts } from "./mcp/definition.ts";

/** Classifies a call of an MCP server's tool. */
export function classifyMcp(operation: McpCall): McpFacts {
  return Object.freeze({ opaque: true, doubts: Object.freeze([`${operation.kind} is not classified`]) });
}

/** MCP tool calls to rules. */
export const mcp: Protocol<McpFacts> = {
  variable: "mcp",
  table: mcpFacts,
  summary: () => "a tool call",
  readOnly: () => false,
};
