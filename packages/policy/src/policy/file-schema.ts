import { z } from "zod";
import { conditionText, description, isPrivate, rule } from "./rule-schema.ts";

/** What a variable may be: a constant that conditions use by name. */
const constant = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.union([z.string(), z.number(), z.boolean()])).max(1000),
]);

/** Names that conditions can use after a dot. */
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, {
  error: "a name holds letters, digits and underscores, and does not begin with a digit (at most 100)",
});

/** A policy file. */
export const policySchema = z
  .strictObject({
    version: z.literal(1),
    description: description.optional(),
    private: isPrivate.optional(),
    include: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: "Other files of this policy, relative to this one, whose variables and conditions are used here." }),
    variables: z.record(name, constant).optional().meta({ description: "Constants, used in conditions as `variables.NAME`." }),
    conditions: z
      .record(name, conditionText)
      .optional()
      .meta({ description: "Conditions, used in others as `conditions.NAME`." }),
    rules: z.array(rule).optional(),
  })
  .superRefine(({ rules, variables, conditions, include }, context) => {
    if (rules === undefined && variables === undefined && conditions === undefined && include === undefined)
      context.addIssue({ code: "invalid_type", expected: "array", path: ["rules"] });
  });

/** A policy file as it says it, sizes in bytes and times in milliseconds. */
export type PolicyText = z.output<typeof policySchema>;
