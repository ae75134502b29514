import { z } from "zod";
import { policySchema } from "./file-schema.ts";

/**
 * The JSON Schema (draft 2020-12) of a policy file, for editors: keys, values and what they mean. It cannot say all that `loadPolicy` checks
 * (conditions, what goes with which effect, ids that are taken).
 */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(policySchema, { io: "input", target: "draft-2020-12" });
  return { $schema, title: "A policy of Countersign", ...schema };
}
