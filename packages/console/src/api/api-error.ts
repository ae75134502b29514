import { JsonObject } from "./json.ts";

/** What went wrong in a call, as the server's problem document says, or as this page found out itself. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** A code of ARCHITECTURE.md's list, or `unreachable`, `unreadable` (from this page). */
  readonly code: string;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { status?: number; retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.retryable = options.retryable ?? false;
  }
}

/** Codes by status, for an answer that is not a problem document (a proxy's, say). */
const codeByStatus: Readonly<Record<number, string>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  429: "too_many_requests",
  503: "control_plane_unavailable",
};

/** An RFC 9457 problem document as an error. Never throws: a bad document still gives an error with the status. */
export function problemError(status: number, body: unknown): ApiError {
  const fallback = codeByStatus[status] ?? (status >= 500 ? "internal" : "invalid_request");
  try {
    const json = new JsonObject(body, "problem");
    const message = json.string("detail") || json.string("title") || `The server answered ${status}`;
    return new ApiError(json.string("code") || fallback, message, { status, retryable: json.boolean("retryable") });
  } catch (cause) {
    return new ApiError(fallback, `The server answered ${status}`, { status, retryable: status >= 500, cause });
  }
}
