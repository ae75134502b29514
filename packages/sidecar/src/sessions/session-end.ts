import type { Outcome } from "@countersign/policy";
import type { SessionEnd, SessionEndReason } from "./session-records.ts";

type Failure = NonNullable<Outcome["failure"]>;

const reasons: Partial<Record<Failure["code"], SessionEndReason>> = {
  revoked: "revoked",
  limit_exceeded: "limit",
  target_lost: "lost",
  unknown_outcome: "lost",
  audit_unavailable: "audit",
  shutting_down: "shutdown",
};

/** Why a session ended whose dispatch had an outcome. @param signal By which others than its client asked it to stop. */
export function sessionEnd({ failure, exit }: Outcome, signal: AbortSignal): SessionEnd {
  if (failure === undefined) return { reason: "exited", message: exitText(exit) };
  const { code, message } = failure;
  if (code !== "cancelled") return { reason: reasons[code] ?? "failed", message };
  return signal.aborted ? { reason: "cancelled", message } : { reason: "left", message: "The client went away." };
}

function exitText(exit: Outcome["exit"]): string {
  if (exit === undefined) return "It ended.";
  return "code" in exit ? `It ended with exit status ${exit.code}.` : `It was ended by the signal ${exit.signal}.`;
}
