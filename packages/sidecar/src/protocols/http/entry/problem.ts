import type { ServerResponse } from "node:http";
import type { ErrorCode } from "@countersign/policy";

/** What a client is told instead of an answer (RFC 9457). */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly requestId?: string;
  /** Ids of the rules that made the decision. */
  readonly rules?: readonly string[];
}

/** What is not here is 502: the target's side. */
const statuses: Partial<Record<ErrorCode, number>> = {
  unauthenticated: 401,
  invalid_request: 400,
  invalid_operation: 400,
  invalid_parameter: 400,
  operation_too_large: 413,
  unknown_resource: 404,
  not_found: 404,
  idempotency_conflict: 409,
  too_many_requests: 429,
  denied: 403,
  expired: 403,
  cancelled: 403,
  revoked: 403,
  nobody_can_approve: 403,
  result_gone: 410,
  control_plane_unavailable: 503,
  audit_unavailable: 503,
  shutting_down: 503,
  internal: 500,
};

const titles: Readonly<Record<number, string>> = {
  400: "Not understood in one way",
  401: "Not authenticated",
  403: "Not permitted",
  404: "Not found",
  409: "Another request has this key",
  410: "The answer is no longer kept",
  413: "Too large to be looked through",
  429: "Too many requests",
  500: "Internal error",
  502: "The target did not answer",
  503: "Not now",
};

/** Tells a client why its request was not answered; one whose answer has begun sees it break off. */
export function tell(response: ServerResponse, { code, message, requestId = "", rules = [] }: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = statuses[code] ?? 502;
  const body = {
    type: "about:blank",
    title: titles[status],
    status,
    detail: message,
    code,
    ...(requestId !== "" && { requestId }),
    ...(rules.length > 0 && { rules }),
  };
  response.writeHead(status, {
    ...{ "content-type": "application/problem+json", "cache-control": "no-store" },
    ...(requestId !== "" && { "countersign-request": requestId }),
    // What comes next on such a connection is not worth reading.
    ...((status === 413 || status === 400) && { connection: "close" }),
    // RFC 6750 §3.
    ...(status === 401 && { "www-authenticate": 'Bearer realm="countersign"' }),
  });
  response.end(JSON.stringify(body));
}
