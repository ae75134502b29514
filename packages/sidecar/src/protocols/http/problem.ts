import type { RefusalForm } from "../request/entry/refusal.ts";

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

/** What a client is told instead of an answer (RFC 9457). */
export const problem: RefusalForm = ({ code, message, requestId = "", rules = [] }, status) => ({
  contentType: "application/problem+json",
  body: JSON.stringify({
    type: "about:blank",
    title: titles[status],
    status,
    detail: message,
    code,
    // Where many vendors' clients look; those of Stripe take an answer without it for a success, whatever its status.
    error: { type: "countersign", code, message },
    ...(requestId !== "" && { requestId }),
    ...(rules.length > 0 && { rules }),
  }),
});
