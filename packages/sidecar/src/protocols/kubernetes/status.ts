import type { RefusalForm } from "../request/entry/refusal.ts";

/** How client libraries sort failures (k8s.io/apimachinery, metav1.StatusReason). */
const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
};

/** Where client libraries look for what there is: they read a refusal as text there, and of a Status they would show "unknown". */
const discovery = /^(?:\/clusters\/[^/?]+)?\/(?:api(?:\/[^/?]+)?|apis(?:\/[^/?]+){0,2}|version|openapi\/[^?]+)(?:\?|$)/;

/**
 * What a client is told instead of an answer: the object that API servers refuse with (metav1.Status), so that kubectl prints why. It has no
 * `Retry-After`, by which client libraries would ask again by themselves.
 */
export const status: RefusalForm = ({ code, message: why, requestId = "", rules = [] }, status, url) => {
  const message = `${why}${aside(rules, requestId)}`;
  if (discovery.test(url)) return { contentType: "text/plain; charset=utf-8", body: message };
  const details = {
    ...(requestId !== "" && { uid: requestId }),
    causes: [{ reason: code, message: why }, ...rules.map((rule) => ({ reason: "rule", message: rule }))],
  };
  const said = { status: "Failure", message, reason: reasons[status] ?? "", details, code: status };
  return { contentType: "application/json", body: JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, ...said }) };
};

/** kubectl shows the message only. */
function aside(rules: readonly string[], requestId: string): string {
  const parts = [
    ...(rules.length > 0 ? [`${rules.length === 1 ? "rule" : "rules"} ${rules.join(", ")}`] : []),
    ...(requestId === "" ? [] : [`request ${requestId}`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}
