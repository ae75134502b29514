import { z } from "zod";
import { didYouMean } from "../suggest.ts";
import { duration } from "./duration-schema.ts";

const approver = z
  .string()
  .superRefine((text, context) => {
    if (/^(group|user):\S(.*\S)?$/.test(text)) return;
    context.addIssue({
      code: "custom",
      message: `expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"${meantApprover(text)}`,
    });
  })
  .meta({ pattern: "^(group|user):\\S(.*\\S)?$", description: "`group:NAME` or `user:SUBJECT`." });

/** `groups: dba`, `dba` → what was probably meant. */
function meantApprover(text: string): string {
  const [prefix = "", ...rest] = text.split(":");
  const name = rest.join(":").trim();
  if (rest.length === 0) return /^\S+$/.test(text) ? `; did you mean "group:${text}" or "user:${text}"?` : "";
  return name === "" ? "" : didYouMean(prefix, ["group", "user"]).replace(/"\?$/, `:${name}"?`);
}

const approvers = z
  .array(approver)
  .min(1, { error: "approvers must name at least one group or user" })
  .meta({ description: "Who may vote in this stage." });

const escalation = z
  .strictObject({
    after: duration,
    to: z
      .array(approver)
      .min(1, { error: '"to" must name at least one group or user' })
      .meta({ description: "Who is asked as well from then on." }),
  })
  .meta({
    description: "Adds people to a stage that has waited for long. The count stays: nothing is approved by time passing.",
  });

const stage = z
  .strictObject({
    approvers,
    count: z
      .int()
      .min(1, { error: "count must be at least 1: nothing is approved by nobody" })
      .default(1)
      .meta({ description: "How many distinct people must agree." }),
    escalate: z.array(escalation).min(1, { error: "escalate must hold at least one step; leave it out for none" }).optional(),
  })
  .superRefine(({ approvers: named, count, escalate = [] }, context) => {
    if (new Set(named).size < named.length)
      context.addIssue({ code: "custom", path: ["approvers"], message: "an approver is named twice" });
    escalate.forEach(({ after }, index) => {
      if (escalate.findIndex((other) => other.after === after) < index)
        context.addIssue({
          code: "custom",
          path: ["escalate", index, "after"],
          message: "two steps begin at the same time; join them",
        });
    });
    const people = new Set([...named, ...escalate.flatMap(({ to }) => to)]);
    if (people.size > 0 && count > people.size && [...people].every((name) => name.startsWith("user:"))) {
      const message = `count is ${count}, but only ${people.size} ${people.size === 1 ? "person is" : "people are"} named: it could never be satisfied`;
      context.addIssue({ code: "custom", path: ["count"], message });
    }
  })
  .meta({ description: "One step of approval: `count` distinct people among `approvers`." });

/** A person votes once on a request, so that the stages of one rule need different people. */
const stages = z
  .array(stage)
  .min(1, { error: "stages must hold at least one stage" })
  .superRefine((all, context) => {
    const closed = all.filter(({ approvers: named, escalate = [] }) =>
      [...named, ...escalate.flatMap(({ to }) => to)].every((name) => name.startsWith("user:")),
    );
    const people = new Set(
      closed.flatMap(({ approvers: named, escalate = [] }) => [...named, ...escalate.flatMap(({ to }) => to)]),
    );
    const needed = closed.reduce((sum, { count }) => sum + count, 0);
    if (closed.length > 1 && needed > people.size) {
      const message = `the stages need ${needed} different people, but only ${people.size} ${people.size === 1 ? "is" : "are"} named: a person votes once`;
      context.addIssue({ code: "custom", message });
    }
  })
  .meta({ description: "In order; each must be satisfied. A person votes once on a request." });

const grants = z
  .strictObject({
    maxUses: z.int().min(1, { error: "maxUses must be at least 1" }).meta({ description: "How often it may be used at most." }),
    maxTtl: duration.meta({ description: "How long it may last at most." }),
  })
  .meta({ description: "Within these bounds an approver may turn a vote into a standing grant. Left out: not at all." });

const breakGlass = z
  .strictObject({
    approvers: z
      .array(approver)
      .min(1, { error: "breakGlass must name at least one group or user; leave it out for nobody" })
      .meta({ description: "Who may." }),
    reviewWithin: duration
      .default(86_400_000)
      .meta({ description: "How soon somebody else must have looked at it. Left out: 24h." }),
  })
  .meta({
    description: "Who may approve alone in an emergency, with a reason, and a review by somebody else. Left out: nobody.",
  });

/** Who approves what a `review` rule holds, and how. */
export const approval = z
  .strictObject({
    stages,
    expires: duration.default(3_600_000).meta({ description: "How long it may wait. Left out: 1h." }),
    validFor: duration.default(300_000).meta({ description: "From approval to dispatch. Left out: 5m." }),
    signature: z
      .enum(["session", "passkey"])
      .default("session")
      .meta({ description: "What a vote is signed with: a signed-in `session` (when left out) or a `passkey`." }),
    justification: z
      .enum(["required", "optional"])
      .default("optional")
      .meta({ description: "Whether the agent must give a reason." }),
    evidence: z.enum(["plan", "effect", "none"]).default("plan").meta({
      description:
        "What is found out for the approver while it waits: the database's `plan` (when left out), the exact `effect` of a trial in a transaction that is rolled back, or `none`.",
    }),
    input: z.enum(["captured", "unseen"]).default("captured").meta({
      description:
        "Data that the client streams to it (`COPY … FROM STDIN`, standard input): `captured` before anybody is asked, and part of what is approved (when left out), or streamed `unseen` once it is approved.",
    }),
    grants: grants.optional(),
    breakGlass: breakGlass.optional(),
  })
  .superRefine(({ stages: all, expires }, context) => {
    all.forEach(({ escalate = [] }, index) => {
      escalate.forEach(({ after }, step) => {
        if (after < expires) return;
        const path = ["stages", index, "escalate", step, "after"];
        context.addIssue({ code: "custom", path, message: "this is never reached: the request expires before it" });
      });
    });
  })
  .meta({ description: "Who must agree, and how." });
