import type { Decision } from "../decision.ts";
import { type Facts, isOpaque, subjectOf } from "../facts.ts";
import { Cleaner } from "../operation/hidden/cleaner.ts";
import { hidingWith } from "../operation/hidden/hide.ts";
import { isOfSecrets, shownFacts } from "../operation/hidden/shown-operation.ts";
import { CountersignError, type ErrorCode } from "../outcome.ts";
import type { Policy } from "../policy.ts";
import { type Asking, factsOf, type Posed, pose } from "./asking.ts";

/** Whoever asks has the operation: nothing has to be compared. */
const hide = hidingWith(undefined);

/** Why an operation was refused before any rule saw it. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What policy says about one operation, as JSON. */
export interface Answer {
  readonly effect: Decision["effect"];
  /** Ids of the rules that decided, sorted; empty = nothing matched, or no rule was asked. */
  readonly rules: readonly string[];
  /** What the agent is told; always there for a denial. */
  readonly message?: string;
  /** Which of the resource's credentials is used; absent for a denial, and where nobody said which roles there are. */
  readonly role?: string;
  readonly limits?: Extract<Decision, { effect: "allow" }>["limits"];
  readonly approval?: Extract<Decision, { effect: "review" }>["approval"];
  readonly opaque: boolean;
  /** Why it is opaque. */
  readonly doubts?: readonly string[];
  /** What classification found out, less the parts; null when it refused the operation. */
  readonly facts: Facts | null;
  /** Of each statement or command alone, where there are several. The strictest counts. */
  readonly parts?: readonly Answer[];
  readonly error?: Refusal;
}

/** Asks a policy. Never throws for what the operation holds: what classification refuses is denied, with its error. */
export function answer(policy: Policy, asking: Asking): Answer {
  const facts = understood(asking);
  if ("code" in facts) return refused(facts);
  const parts = partsOf(facts).map((part) => answerAlone(pose(policy, asking, part)));
  return { ...answerAlone(pose(policy, asking, facts)), ...(parts.length > 0 ? { parts } : {}) };
}

/** The facts of an operation, or why there are none. */
export function understood(asking: Asking): Facts | Refusal {
  try {
    return factsOf(asking);
  } catch (error) {
    if (error instanceof CountersignError) return { code: error.code, message: error.message };
    throw error;
  }
}

/** The answer where no rule was asked. */
export function refused({ code, message }: Refusal): Answer {
  return { effect: "deny", rules: [], message, opaque: true, facts: null, error: { code, message } };
}

/** The answer about a whole alone. */
export function answerAlone({ policy, question, anyRole }: Posed): Answer {
  const { facts } = question;
  const { policyDigest: _, ...decision } = policy.decide(question);
  const { role, ...others } = { role: undefined, ...decision };
  const opaque = isOpaque(facts);
  return {
    ...others,
    ...(role === undefined || anyRole ? {} : { role }),
    opaque,
    ...(opaque ? { doubts: subjectOf(facts).whole.doubts } : {}),
    facts: withoutParts(shownFacts(facts, hide)),
  };
}

/** What takes out of any value what of the facts nobody is shown. */
export function cleaningOf(facts: Facts): (value: unknown) => unknown {
  if (facts.protocol !== "kubernetes" || facts.kubernetes.body === null) return (value) => value;
  const cleaner = new Cleaner(hide);
  cleaner.learn(JSON.stringify(facts.kubernetes.body), isOfSecrets(facts.kubernetes));
  return (value) => cleaner.value(value);
}

/** The facts of each part as if it had come alone; none when there is but one. */
export function partsOf(facts: Facts): readonly Facts[] {
  switch (facts.protocol) {
    case "postgres":
      return (facts.parts ?? []).map((sql) => ({ protocol: "postgres", sql }));
    case "ssh":
      return (facts.parts ?? []).map((ssh) => ({ protocol: "ssh", ssh }));
    default:
      return [];
  }
}

function withoutParts(facts: Facts): Facts {
  if (!("parts" in facts)) return facts;
  const { parts: _, ...whole } = facts;
  return whole;
}
