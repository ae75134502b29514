import type { ServerResponse } from "node:http";
import type { ErrorCode } from "@countersign/policy";

/** Why a client gets no answer of the target's. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly requestId?: string;
  /** Ids of the rules that made the decision. */
  readonly rules?: readonly string[];
}

/** A refusal in the words of one API. @param url what was asked for, as it was sent. */
export type RefusalForm = (
  refusal: Refusal,
  status: number,
  url: string,
) => { readonly contentType: string; readonly body: string };

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

/** Tells a client why its request was not answered; one whose answer has begun sees it break off. */
export function refuse(response: ServerResponse, refusal: Refusal, form: RefusalForm): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, requestId = "" } = refusal;
  const status = statuses[code] ?? 502;
  const { contentType, body } = form(refusal, status, response.req.url ?? "");
  response.writeHead(status, {
    ...{ "content-type": contentType, "cache-control": "no-store" },
    ...(requestId !== "" && { "countersign-request": requestId }),
    // What comes next on such a connection is not worth reading.
    ...(status === 400 && { connection: "close" }),
    // RFC 6750 §3.
    ...(status === 401 && { "www-authenticate": 'Bearer realm="countersign"' }),
  });
  response.end(body);
}
