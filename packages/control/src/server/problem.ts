import { CountersignError } from "@countersign/policy";
import type { FastifyReply } from "fastify";
import { httpStatus, outward } from "./status.ts";

const titles: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Sign in first",
  403: "Not permitted",
  404: "Not found",
  409: "Not possible now",
  413: "Too large",
  415: "Unsupported media type",
  421: "Wrong host",
  429: "Too many attempts",
  503: "Not available",
};

/** Answers an error as `application/problem+json` (RFC 9457) with our closed code. Causes and stack traces stay inside. */
export function sendProblem(reply: FastifyReply, error: unknown, status?: number): FastifyReply {
  const known = outward(fromFastify(error));
  const code = status ?? statusOf(error) ?? httpStatus(known.code);
  return reply
    .code(code)
    .type("application/problem+json")
    .send({
      type: `urn:countersign:error:${known.code}`,
      title: titles[code] ?? "Error",
      status: code,
      detail: known.message,
      code: known.code,
      retryable: known.retryable,
    });
}

/** Fastify's own refusals (bad JSON, too large, wrong media type) are the caller's fault. Its messages quote nothing of the body. */
function fromFastify(error: unknown): unknown {
  return statusOf(error) === undefined
    ? error
    : new CountersignError(
        "invalid_request",
        "The request is not one that this API takes: its body, media type or size is wrong.",
      );
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("statusCode" in error) || typeof error.statusCode !== "number") return undefined;
  return error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : undefined;
}
