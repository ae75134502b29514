import type { FactTable, FactType } from "../facts/fact.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";

const text = { type: "string" } as const;
const texts = { type: "array", items: text } as const;

/** What each type is in JSON. Facts hold whole numbers as numbers; conditions see them as CEL ints. */
const schemas: Readonly<Record<FactType, Readonly<Record<string, unknown>>>> = {
  bool: { type: "boolean" },
  int: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  string: text,
  "list<string>": texts,
  "map<string, string>": { type: "object", additionalProperties: text },
  "map<string, list<string>>": { type: "object", additionalProperties: texts },
  dyn: {},
};

/** The JSON Schema (draft 2020-12) of a protocol's facts, from the table that conditions and the documentation come from. */
export function factsSchema(protocol: ProtocolName): Readonly<Record<string, unknown>> {
  const { table, variable } = protocols[protocol];
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `The facts of ${protocol} operations: ${variable}.* in conditions`,
    ...objectSchema(table),
  };
}

function objectSchema(table: FactTable): Readonly<Record<string, unknown>> {
  const properties = Object.entries(table).map(([name, fact]) => [
    name,
    { ...(fact.type === "group" ? objectSchema(fact.fields) : schemas[fact.type]), description: fact.description },
  ]);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: Object.keys(table),
    additionalProperties: false,
  };
}
