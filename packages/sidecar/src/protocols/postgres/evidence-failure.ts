import { CountersignError } from "@countersign/policy";
import { isServerError } from "./codec.ts";
import { ConnectionLost } from "./upstream.ts";

/** Why something could not be found out, in words for an approver. */
export class NotFoundOut extends Error {
  override readonly name = "NotFoundOut";
}

/** Longest statement of evidence, milliseconds: it keeps the rows that it changes from others. */
export const statementMs = 2000;
/** Longest wait for a lock, milliseconds: it never stands in line before those who work. */
export const lockMs = 200;

const longestText = 500;

/** SQLSTATEs that say more about the moment than about the statement. */
const moments: Readonly<Record<string, string>> = {
  "55P03": "Rows or tables that it needs are locked by somebody else.",
  "40001": "Somebody else is changing the same rows right now.",
  "40P01": "Somebody else is changing the same rows right now.",
  "57014": `It took longer than ${statementMs} ms, or was stopped.`,
  "25P04": `It took longer than ${statementMs} ms, or was stopped.`,
};

/** What kept something from being found out. */
export function failureWords(error: unknown, what: string): string {
  if (error instanceof NotFoundOut) return error.message;
  if (error instanceof CountersignError) return `${what} could not be found out: ${error.message}`;
  const cause = error instanceof ConnectionLost ? error.serverError : error;
  if (!isServerError(cause)) return `${what} could not be found out: the connection to the database was lost.`;
  const code = cause.code ?? "";
  const moment = moments[code];
  if (moment !== undefined) return `${what} could not be found out. ${moment}`;
  return `${what} could not be found out. PostgreSQL says: ${shortened(cause.message)} (${code})`;
}

/** A server's text as one that can be stored and shown: valid Unicode, not too long. */
export function shortened(text: string, most = longestText): string {
  return (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed();
}
