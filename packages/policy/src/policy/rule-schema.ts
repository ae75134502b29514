import { z } from "zod";
import { parseBytes, parseDuration } from "./quantity.ts";

/** Timers in the control plane count to 2^31 ms (24.8 days). */
const longest = { text: "14d", ms: 14 * 86_400_000 };

const notYet = (what: string) =>
  `${what} is not supported yet by this version, and a rule must not be weaker than it says; take it out`;

/** A key that later versions enforce. Refused rather than ignored. */
const later = (what: string) =>
  z
    .unknown()
    .optional()
    .refine((value) => value === undefined, { error: notYet(what) });

const duration = z.string({ error: 'expected a duration like "30s", "5m" or "1h"' }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= longest.ms) return ms;
  const problem = ms === undefined ? "is not a duration" : `is longer than ${longest.text}`;
  context.addIssue({ code: "custom", message: `"${text}" ${problem}; expected something like "30s", "5m" or "1h"` });
  return z.NEVER;
});

const bytes = z.union([z.string(), z.number()]).transform((value, context) => {
  const count = parseBytes(value);
  if (count !== undefined) return count;
  context.addIssue({
    code: "custom",
    message: `"${value}" is not a size; expected something like "10MB", "512KiB" or a number of bytes`,
  });
  return z.NEVER;
});

const limits = z.strictObject({
  rows: z.int().positive({ error: "rows must be at least 1" }).optional(),
  bytes: bytes.optional(),
  time: duration.optional(),
});

const approver = z
  .string()
  .regex(/^(group|user):\S(.*\S)?$/, { error: 'expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"' });

const stage = z
  .strictObject({
    approvers: z.array(approver).min(1, { error: "approvers must name at least one group or user" }),
    count: z.int().min(1, { error: "count must be at least 1: nothing is approved by nobody" }).default(1),
    escalate: later("escalate"),
  })
  .superRefine(({ approvers, count }, context) => {
    const distinct = new Set(approvers);
    if (distinct.size < approvers.length)
      context.addIssue({ code: "custom", path: ["approvers"], message: "an approver is named twice" });
    const people = [...distinct].every((name) => name.startsWith("user:"));
    if (people && distinct.size > 0 && count > distinct.size) {
      const message = `count is ${count}, but only ${distinct.size} ${distinct.size === 1 ? "person is" : "people are"} named: it could never be satisfied`;
      context.addIssue({ code: "custom", path: ["count"], message });
    }
  });

/** A person votes once on a request, so that the stages of one rule need different people. */
const stages = z
  .array(stage)
  .min(1, { error: "stages must hold at least one stage" })
  .superRefine((all, context) => {
    const closed = all.filter(({ approvers }) => approvers.every((name) => name.startsWith("user:")));
    const people = new Set(closed.flatMap(({ approvers }) => approvers)).size;
    const needed = closed.reduce((sum, { count }) => sum + count, 0);
    if (closed.length > 1 && needed > people) {
      const message = `the stages need ${needed} different people, but only ${people} ${people === 1 ? "is" : "are"} named: a person votes once`;
      context.addIssue({ code: "custom", message });
    }
  });

const approval = z.strictObject({
  stages,
  expires: duration.default(3_600_000),
  validFor: duration.default(300_000),
  signature: z
    .enum(["session", "passkey"])
    .default("session")
    .refine((value) => value === "session", { error: notYet("signature: passkey") }),
  justification: z.enum(["required", "optional"]).default("optional"),
  grants: later("grants"),
});

const selector = z.string().superRefine((text, context) => {
  if (text === "" || /\s/.test(text))
    context.addIssue({ code: "custom", message: "a resource selector is a name, a glob (orders-*) or label:KEY=VALUE" });
  if (text.startsWith("label:") && !/^label:[^=]+=./.test(text)) {
    context.addIssue({ code: "custom", message: `"${text}" is not a label selector; expected label:KEY=VALUE` });
  }
});

/** What only some effects may have. */
const belongsTo = {
  role: ["allow", "review"],
  limits: ["allow", "review"],
  approval: ["review"],
  opaque: ["allow"],
} as const;

const rule = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
      error: "an id holds letters, digits, dots, dashes and underscores (at most 100)",
    }),
    resources: z.array(selector).min(1, { error: "resources must name at least one; leave it out for all" }).optional(),
    when: z.string().max(10_000, { error: "a condition holds at most 10000 characters" }).optional(),
    effect: z.enum(["allow", "deny", "review"]),
    role: z.string().min(1).optional(),
    limits: limits.optional(),
    approval: approval.optional(),
    opaque: z.boolean().optional(),
    message: z.string().min(1).max(2000, { error: "a message holds at most 2000 characters" }).optional(),
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

/** A policy file. */
export const policySchema = z.strictObject({ version: z.literal(1), rules: z.array(rule) });

/** A rule as its file says it, sizes in bytes and times in milliseconds. */
export type RuleText = z.output<typeof rule>;
