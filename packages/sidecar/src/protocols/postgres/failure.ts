import { CountersignError, type Failure } from "@countersign/policy";
import type { DatabaseError } from "pg-protocol";
import type { StopFailures } from "../stop.ts";
import { isServerError } from "./codec.ts";

/** Longest text of the server that is passed on, characters. */
const longestText = 4000;

/** SQLSTATEs after which the same statement may well succeed: serialization, deadlock, lock timeouts. */
const transient = new Set(["40001", "40P01", "55P03"]);
/** SQLSTATEs with which a server ends a session (class 57, operator intervention). */
const endings = new Set(["57P01", "57P02", "57P03", "57P05"]);
/** What helps beyond the server's own words. */
const advice: Readonly<Record<string, string>> = {
  "25001": "Countersign runs writes inside a transaction; this form of the statement cannot be run through it.",
  "2D000": "A procedure or DO block that commits cannot be run through Countersign; let each call be one transaction.",
  "42601": "A call is one statement: send several one after the other.",
};

/** What the server said of a statement that it refused. */
export function statementFailure(error: DatabaseError): Failure {
  const code = error.code ?? "";
  if (endings.has(code)) return lostFailure(error);
  const several = code !== "42601" || error.message.includes("multiple commands");
  return {
    code: "target_error",
    message: [describe(error), several ? advice[code] : undefined].filter(Boolean).join(" "),
    retryable: transient.has(code),
    ...(code ? { targetCode: code } : {}),
  };
}

/** The connection ended, and it is certain that nothing was changed. */
export function lostFailure(error?: DatabaseError): Failure {
  const why = error ? ` (${describe(error)})` : "";
  return {
    code: "target_lost",
    message: `The connection to the database was lost${why}; nothing was changed. Ask again.`,
    retryable: true,
    ...(error?.code ? { targetCode: error.code } : {}),
  };
}

/** Nobody can tell what happened. */
export function unknownFailure(why: string): Failure {
  return { code: "unknown_outcome", message: `${why} Look at the database before you ask again.`, retryable: false };
}

/** A bound of the policy was reached. */
export function limitFailure(limit: "rows" | "bytes" | "time", value: number): Failure {
  const what = { rows: `${value} rows`, bytes: `${value} bytes of result`, time: `${value} ms` }[limit];
  return {
    code: "limit_exceeded",
    message: `The policy's limit of ${what} was reached: the statement was stopped and nothing was changed. Ask for less.`,
    retryable: false,
  };
}

/** The caller, or somebody who may, asked for a stop. */
function cancelledFailure(): Failure {
  return { code: "cancelled", message: "Cancelled while it ran; nothing was changed.", retryable: false };
}

/** What is said of what was stopped. */
export const stopFailures: StopFailures = { cancelled: cancelledFailure, late: (limitMs) => limitFailure("time", limitMs) };

/** Why no connection came about, for the agent: names the resource and the role, never the address or the password. */
export function connectFailure(error: unknown, resource: string, role: string): CountersignError {
  if (error instanceof CountersignError) return error;
  const fail = (
    code: "target_unavailable" | "target_credentials",
    message: string,
    options: { retryable?: boolean; targetCode?: string } = {},
  ) => new CountersignError(code, message, { ...options, cause: error });
  if (isServerError(error)) {
    const targetCode = error.code ?? "";
    if (targetCode.startsWith("28")) {
      return fail(
        "target_credentials",
        `${resource} refused the login of role ${role} (${targetCode}). Check its user and password.`,
        { targetCode },
      );
    }
    if (targetCode === "42501")
      return fail("target_credentials", `${resource} does not let the login of role ${role} connect.`, { targetCode });
    const busy = targetCode.startsWith("53") || targetCode.startsWith("57");
    return fail("target_unavailable", `${resource} accepts no connection: ${describe(error)}`, { retryable: busy, targetCode });
  }
  const { message = "", code = "" } = error instanceof Error ? (error as Error & { code?: string }) : {};
  if (error instanceof TypeError || error instanceof RangeError)
    return new CountersignError("internal", "An internal error; nothing was run.", { cause: error });
  if (message.startsWith("SASL")) {
    return fail(
      "target_credentials",
      `${resource} could not prove that it knows the password of role ${role}. It may not be the server that it says it is.`,
    );
  }
  if (!networkError.test(code) && /CERT|SSL|TLS|SELF_SIGNED|ISSUER|SIGNATURE/i.test(`${code} ${message}`)) {
    const advice = `The TLS connection to ${resource} could not be verified (${code || "not offered by the server"}). Check tls.ca and tls.serverName.`;
    return fail("target_unavailable", advice);
  }
  return fail(
    "target_unavailable",
    `${resource} is not reachable (${code || message || "no answer"}). Check that the database is up.`,
    { retryable: true },
  );
}

/** Of the operating system; all but EPROTO, which is OpenSSL's. */
const networkError = /^E(?!PROTO$)[A-Z]+$/;

function describe(error: DatabaseError): string {
  const parts = [
    error.message,
    error.detail && `Detail: ${error.detail}`,
    error.hint && `Hint: ${error.hint}`,
    error.position && `At character ${error.position}.`,
  ];
  const text = parts
    .filter(Boolean)
    .map((part) => (/[.!?)]$/.test(part ?? "") ? part : `${part}.`))
    .join(" ");
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
