import { CountersignError, type PostgresQuery } from "@countersign/policy";
import type { Held, Pass, Verdict } from "../../../native/verdict.ts";
import type { Masking } from "../masks/masking.ts";
import type { Refusal } from "../refuse.ts";
import type { Conversation } from "./conversation.ts";
import { maskingOf } from "./masking-of.ts";
import type { Prepared } from "./names.ts";
import { Running } from "./running.ts";

/** What runs, and how its result is masked. */
interface Masked extends Pass {
  readonly masking?: Masking | undefined;
}

/** What becomes of what a client asks for. */
export interface Answer {
  pass(verdict: Masked): void;
  hold(verdict: Held): void;
  refuse(refusal: Refusal): void;
}

/** What else there is to know of what runs. */
interface RunningAbout {
  readonly steps: Prepared["steps"];
  readonly rowsBefore?: number;
  /** It runs by the extended protocol. */
  readonly isStep: boolean;
}

/** Kinds of statements that define or close something by name. */
const naming: ReadonlySet<string> = new Set(["PREPARE", "DEALLOCATE", "DECLARE CURSOR", "CLOSE"]);
/** Kinds of statements that run triggers. */
const firing: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY FROM"]);

/** Has an operation decided: in this turn where nothing has to be waited for. What passes is noted, and there is a session to send it to. */
export function admit(conversation: Conversation, operation: PostgresQuery, answer: Answer): void {
  const { pending } = conversation.limiting;
  if (pending !== undefined) {
    conversation.wait(pending, { done: () => admit(conversation, operation, answer) });
    return;
  }
  const verdict = conversation.native.judge(operation);
  if (verdict instanceof Promise) {
    conversation.wait(verdict, {
      done: (one) => judged(conversation, operation, one, answer),
      failed: (error) => answer.refuse(refusalOf(conversation, error)),
      dropped: (one) => one?.effect === "pass" && unsent(one),
    });
  } else {
    judged(conversation, operation, verdict, answer);
  }
}

function judged(conversation: Conversation, operation: PostgresQuery, verdict: Verdict, answer: Answer): void {
  if (verdict.effect === "refuse") answer.refuse(verdict);
  else if (verdict.effect === "hold") answer.hold(verdict);
  else if (isReady(conversation, verdict)) answer.pass(verdict);
  else {
    const masked = maskingOf(conversation, operation, verdict.decision.limits.masks);
    conversation.wait(Promise.all([masked, verdict.passage.ready, conversation.lend()]), {
      done: ([masking]) => {
        if (conversation.native.stillPasses(verdict)) return answer.pass(masking ? { ...verdict, masking } : verdict);
        unsent(verdict);
        admit(conversation, operation, answer);
      },
      failed: (error) => {
        unsent(verdict);
        answer.refuse(refusalOf(conversation, error));
      },
      dropped: () => unsent(verdict),
    });
  }
}

function isReady({ outgoing }: Conversation, { passage, decision }: Pass): boolean {
  return passage.ready === undefined && outgoing.lent !== undefined && decision.limits.masks === undefined;
}

/** What an allowed operation runs as. */
export function runningOf(
  conversation: Conversation,
  { passage, decision, facts, readOnly, masking }: Masked,
  { steps, rowsBefore = 0, isStep }: RunningAbout,
): Running {
  const { kinds, opaque, reads } = facts.protocol === "postgres" ? facts.sql : { kinds: [], opaque: true, reads: [] };
  // What it does to names was not looked at, e.g. in a large text: they have to be asked for.
  const isUnseen = opaque || (steps === undefined && isOneOf(naming, kinds));
  if (isUnseen) conversation.afterwards = "end";
  // Settings that a trigger or a view changes are reported with ReadyForQuery, and by servers before 18 not all of them.
  const { lent } = conversation.outgoing;
  const isLate = isStep || (lent?.version ?? 0) < 18;
  const fires = !readOnly && isOneOf(firing, kinds);
  const suspicious = isUnseen || (isLate && (fires || lent?.arePlain(reads) !== true));
  const startedMs = conversation.parts.now();
  return new Running(passage, { limits: decision.limits, readOnly, startedMs, rowsBefore, suspicious, masking });
}

function isOneOf(some: ReadonlySet<string>, kinds: readonly string[]): boolean {
  for (const kind of kinds) if (some.has(kind)) return true;
  return false;
}

/** Whatever was thrown, as the client is told it. */
export function refusalOf({ parts }: Conversation, error: unknown): Refusal {
  if (error instanceof CountersignError) return error;
  if (error instanceof Error && error.name === "AuditError") {
    const message = "the audit log cannot be written, so nothing was run. Try again later.";
    return { code: "audit_unavailable", message, retryable: true };
  }
  parts.onInternalError(error);
  return { code: "internal", message: "an internal error stopped it; nothing was run.", retryable: false };
}

function unsent({ passage }: Pass): void {
  passage.end({ state: "unsent", rows: 0, bytes: 0, durationMs: 0 });
}
