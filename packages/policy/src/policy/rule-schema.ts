import { z } from "zod";
import { approval } from "./approval-schema.ts";
import { bytes, duration } from "./duration-schema.ts";

/** Of PostgreSQL: names in the case that they have there, at most 63 bytes. */
const column = /^[^.*/][^.*]{0,62}\.[^.*]{1,63}\.(?:[^.*]{1,63}|\*)$/;
/** Of an answer in JSON: a pointer (RFC 6901), `*` for one level, `**` for any number of them. */
const pointer = /^(?=.{1,300}$)(?:\/(?:[^~/]|~[01])*){1,32}(?<!\/\*\*)$/;

const mask = z.string().refine((text) => column.test(text) || pointer.test(text), {
  error:
    "a mask names a column as schema.table.column, or all of a table as schema.table.*; in a JSON answer it names values as /customers/*/email, or /**/email at any depth",
});

const limits = z
  .strictObject({
    rows: z.int().positive({ error: "rows must be at least 1" }).optional(),
    bytes: bytes.optional(),
    time: duration.optional(),
    masks: z
      .array(mask)
      .min(1, { error: "masks must name at least one column or value; leave it out for none" })
      .max(100)
      .optional()
      .meta({
        description:
          "What the caller does not see. Of PostgreSQL columns, as `schema.table.column` (`*` = every column); what is computed from them is not shown either. Of an HTTP API's answers in JSON values, as `/customers/*/email` (RFC 6901; `*` = every member or element, `**` = at any depth); an answer in which they cannot be looked for is withheld.",
      }),
  })
  .meta({ description: "What of the result the caller gets; enforced while it streams." });

const selector = z
  .string()
  .superRefine((text, context) => {
    if (text === "" || /\s/.test(text))
      context.addIssue({ code: "custom", message: "a resource selector is a name, a glob (orders-*) or label:KEY=VALUE" });
    if (text.startsWith("label:") && !/^label:[^=]+=./.test(text)) {
      context.addIssue({ code: "custom", message: `"${text}" is not a label selector; expected label:KEY=VALUE` });
    }
  })
  .meta({ description: "A name (`orders-db`), a glob (`orders-*`) or a label (`label:env=prod`)." });

/** What only some effects may have. */
const belongsTo = {
  role: ["allow", "review"],
  limits: ["allow", "review"],
  approval: ["review"],
  opaque: ["allow"],
} as const;

/** Most characters of one condition. */
const maxCondition = 10_000;

/** A condition's text. */
export const conditionText = z
  .string()
  .max(maxCondition, { error: `a condition holds at most ${maxCondition} characters` })
  .meta({ id: "condition", description: "A condition in CEL that gives true or false." });

/** What a person says about a file or a rule. */
export const description = z
  .string()
  .max(2000, { error: "a description holds at most 2000 characters" })
  .meta({ description: "What it is for, in words. Decides nothing." });

/** Whether agents may see it. */
export const isPrivate = z.boolean().meta({ description: "Left out of the policy that agents can see." });

/** One rule. */
export const rule = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
        error: "an id holds letters, digits, dots, dashes and underscores (at most 100)",
      })
      .meta({ description: "Named in decisions and records; unique among all files." }),
    description: description.optional(),
    private: isPrivate.optional(),
    resources: z
      .array(selector)
      .min(1, { error: "resources must name at least one; leave it out for all" })
      .optional()
      .meta({ description: "Which resources it is about. Left out: all." }),
    when: conditionText.optional(),
    effect: z
      .enum(["allow", "deny", "review"])
      .meta({ description: "`deny` beats `review` beats `allow`. What no rule matches is denied." }),
    role: z.string().min(1).optional().meta({ description: "Which of the resource's credentials is used." }),
    limits: limits.optional(),
    approval: approval.optional(),
    opaque: z.boolean().optional().meta({ description: "Whether an `allow` covers what is not fully understood." }),
    message: z
      .string()
      .min(1)
      .max(2000, { error: "a message holds at most 2000 characters" })
      .optional()
      .meta({ description: "What the agent is told." }),
  })
  .superRefine((value, context) => {
    for (const [key, effects] of Object.entries(belongsTo)) {
      if (Reflect.get(value, key) !== undefined && !effects.some((effect) => effect === value.effect)) {
        const message = `"${key}" has no meaning for effect: ${value.effect}; it belongs to ${effects.join(" and ")} rules`;
        context.addIssue({ code: "custom", path: [key], message });
      }
    }
    if (value.effect === "review" && value.approval === undefined) {
      context.addIssue({ code: "custom", path: ["approval"], message: '"approval" is missing; a review rule says who approves' });
    }
  });

/** A rule as its file says it, sizes in bytes and times in milliseconds. */
export type RuleText = z.output<typeof rule>;
