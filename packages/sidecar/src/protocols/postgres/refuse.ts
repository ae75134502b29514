import type { ErrorCode } from "@countersign/policy";
import type { Complaint } from "./wire/server-message.ts";

/** Why an operation is refused, as the gate tells it. */
export interface Refusal {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  /** Ids of the rules that denied it. */
  readonly rules?: readonly string[];
  readonly requestId?: string;
  readonly retryable: boolean;
}

/**
 * The SQLSTATE of each reason. None is of class 08 or 57P: drivers would take the connection for broken, and their pools would drop it.
 * What is not listed is 42501 (insufficient_privilege).
 */
const sqlstates: Readonly<Record<string, string>> = {
  invalid_operation: "42501",
  invalid_parameter: "22023",
  operation_too_large: "54000",
  too_many_requests: "53400",
  limit_exceeded: "53400",
  cancelled: "57014",
  audit_unavailable: "58000",
  control_plane_unavailable: "58000",
  target_unavailable: "58000",
  target_credentials: "58000",
  target_lost: "58000",
  shutting_down: "58000",
  unknown_outcome: "58000",
  internal: "XX000",
};

/** A denial in PostgreSQL's own terms: an ErrorResponse after which the connection lives on. */
export function refusalComplaint({ code, message, rules = [], requestId = "", retryable }: Refusal): Complaint {
  const details = [
    rules.length > 0 ? `Decided by ${rules.join(", ")}.` : undefined,
    requestId ? `Request ${requestId}.` : undefined,
  ];
  const detail = details.filter(Boolean).join(" ");
  return {
    severity: "ERROR",
    sqlstate: sqlstates[code] ?? "42501",
    message: `Countersign: ${message}`,
    ...(detail === "" ? {} : { detail }),
    hint: hintOf(code, retryable),
  };
}

function hintOf(code: string, retryable: boolean): string {
  if (retryable) return "The same statement may succeed later.";
  if (code === "limit_exceeded") return "Ask for less, or for parts.";
  return "Do not send it again unchanged: the answer will be the same.";
}
