import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about operations of this protocol. The CEL environment, the type {@link McpFacts} and the documentation come from this table. */
export const mcpFacts = {
  server: { type: "string", description: "The MCP server's configured name." },
  tool: { type: "string", description: "The tool's name, exactly as it is called." },
  args: {
    type: "dyn",
    description:
      'The arguments: `mcp.args.path.startsWith("/srv/")`. An argument that is missing makes the rule deny: check with `has(mcp.args.path)` before use. `null` when they are too large to look into (then `opaque`).',
  },
  schemaDigest: {
    type: "string",
    description:
      '`sha256:` and the hex digest of the canonical JSON (RFC 8785) of the tool\'s input schema; `""` when it is not known. Compare it to pin a tool to what it was when the rule was written.',
  },
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
} as const satisfies FactTable;

/** What classification found out. Lists are sorted and without duplicates unless their description says otherwise. */
export type McpFacts = FactsOf<typeof mcpFacts>;
