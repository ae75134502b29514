import { z } from "zod";
import { json } from "../explain/json-shape.ts";
import { bytes, duration } from "../policy/duration-schema.ts";
import { didYouMean } from "../suggest.ts";

const effects = ["allow", "deny", "review", "error"] as const;

const text = z.string().min(1);
const names = z.array(text);

const limits = z.strictObject({
  rows: z.int().positive().optional(),
  bytes: bytes.optional(),
  time: duration.optional(),
  masks: names.optional(),
});

/** What a test may expect; what it does not name is not compared. */
const expectation = z.strictObject({
  effect: z.enum(effects),
  rules: names.optional(),
  role: text.optional(),
  limits: limits.optional(),
  approvers: names.optional(),
  count: z.int().positive().optional(),
  signature: z.enum(["session", "passkey"]).optional(),
  justification: z.enum(["required", "optional"]).optional(),
  message: text.optional(),
  opaque: z.boolean().optional(),
  error: z.enum(["invalid_operation", "invalid_parameter", "operation_too_large"]).optional(),
});

/** `expect: allow` stands for `expect: { effect: allow }`. */
const expected = z.preprocess((value, context) => {
  if (typeof value !== "string") return value;
  const effect = effects.find((one) => one === value);
  if (effect !== undefined) return { effect };
  const hint = didYouMean(value, effects) || `; expected one of: ${effects.join(", ")}, or a mapping`;
  context.addIssue({ code: "custom", message: `there is no effect "${value}"${hint}` });
  return z.NEVER;
}, expectation);

/** Who asks for what, where and when; a test's own fields go before those of `defaults`. */
const circumstances = {
  type: z.enum(["postgres", "ssh", "kubernetes", "http", "mcp"]).optional(),
  resource: text.optional(),
  labels: z.record(text, z.string()).optional(),
  roles: names.optional(),
  searchPath: names.min(1).optional(),
  /** Of an HTTP API: where it speaks GraphQL, and the operations that its OpenAPI documents have. */
  api: z
    .strictObject({
      graphql: text.exactOptional(),
      operations: z.array(z.strictObject({ id: text, method: text, path: text.startsWith("/") })).exactOptional(),
    })
    .optional(),
  principal: z
    .strictObject({
      issuer: text.optional(),
      subject: text.optional(),
      groups: names.optional(),
      claims: z.record(text, json).optional(),
    })
    .optional(),
  reason: z.string().optional(),
  now: z.iso.datetime({ offset: true, error: 'expected a moment like "2026-01-05T12:00:00Z"' }).optional(),
};

/** A text, or an object as the operation's protocol has it. */
const operation = z.custom<unknown>((value) => typeof value === "string" || (typeof value === "object" && value !== null), {
  error: "expected an operation: a text, or a mapping with its fields",
});

const trial = z.strictObject({
  name: text,
  operation: operation.optional(),
  operations: z.array(operation).min(1, { error: "operations must hold at least one" }).optional(),
  ...circumstances,
  expect: expected,
});

/** A `*.policy-test.yaml` file. */
export const trialsSchema = z.strictObject({
  version: z.literal(1),
  policy: z.union([text, names.min(1)]).optional(),
  defaults: z.strictObject(circumstances).optional(),
  tests: z.array(trial).min(1, { error: "a file of tests holds at least one" }),
});

/** One entry of `tests`. */
export type TrialText = z.output<typeof trial>;

/** The entry `defaults`. */
export type TrialDefaults = NonNullable<z.output<typeof trialsSchema>["defaults"]>;

/** What a test expects, sizes in bytes and times in milliseconds. */
export type Expectation = z.output<typeof expectation>;
