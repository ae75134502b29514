import { z } from "zod";
import { factTables, fieldsOf, protocolOf, variables } from "./environment.ts";
import { policySchema } from "./file-schema.ts";

/**
 * The JSON Schema (draft 2020-12) of a policy file, for editors: keys, values and what they mean. It cannot say all that `loadPolicy` checks
 * (conditions, what goes with which effect, ids that are taken).
 */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(policySchema, {
    io: "input",
    target: "draft-2020-12",
    override: ({ jsonSchema }) => {
      // Editors show it where a condition is written.
      if (jsonSchema.id === "condition") jsonSchema.description = `${jsonSchema.description} ${names()}`;
    },
  });
  return { $schema, title: "A policy of Countersign", ...schema };
}

/** Every name that conditions may use. */
function names(): string {
  const facts = Object.keys(factTables).map(
    (name) => `of ${protocolOf[name]} operations ${name}.{${fieldsOf(name)?.join(", ")}}`,
  );
  const others = Object.keys(variables).map((name) => {
    const fields = fieldsOf(name);
    return fields ? `${name}.{${fields.join(", ")}}` : name;
  });
  return `Facts: ${facts.join("; ")}. Always: ${others.join(", ")}. From this file and those that it includes: variables.NAME, conditions.NAME.`;
}
