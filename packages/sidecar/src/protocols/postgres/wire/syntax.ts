import type { Refusal } from "../refuse.ts";
import { refusalComplaint } from "../refuse.ts";
import type { Complaint } from "./server-message.ts";

/** How classification says what PostgreSQL's parser complains of. */
const complaint = /^PostgreSQL's parser does not accept the statement: ([\s\S]*?)(?: \(at character (\d+)\))?\.$/;

/** What PostgreSQL says of a statement that its client has cancelled. */
export const cancelledWords = "canceling statement due to user request";

/** What PostgreSQL itself would say: then the server is made to fail as well, and the client sees the same as without us. */
interface OwnError {
  readonly complaint: Complaint;
  readonly likeServer: boolean;
}

/** A refusal in PostgreSQL's own terms: text that is no SQL gets the parser's own error, with its place. */
export function ownErrorOf(refusal: Refusal): OwnError {
  if (refusal.message === cancelledWords)
    return { complaint: { severity: "ERROR", sqlstate: "57014", message: cancelledWords }, likeServer: true };
  const [, message, position] = refusal.code === "invalid_operation" ? (complaint.exec(refusal.message) ?? []) : [];
  if (message === undefined) return { complaint: refusalComplaint(refusal), likeServer: false };
  const at = position === undefined ? {} : { position: Number(position) };
  return { complaint: { severity: "ERROR", sqlstate: "42601", message, ...at }, likeServer: true };
}

/** How classification says that the values do not fit the statement. */
const count = /^(\d+) parameters? (?:was|were) given, but the statement (?:uses none|expects (\d+))/;

const transactionFailed: Complaint = {
  severity: "ERROR",
  sqlstate: "25P02",
  message: "current transaction is aborted, commands ignored until end of transaction block",
};

/** As {@link ownErrorOf}, of a Query: there PostgreSQL knows no parameters. In a transaction that has failed it does not look for any. */
export function queryErrorOf(refusal: Refusal, text: string, hasFailed: boolean): OwnError {
  const found = refusal.code === "invalid_parameter" ? /\$\d+/.exec(text) : null;
  if (found === null || !count.test(refusal.message)) return ownErrorOf(refusal);
  if (hasFailed) return { complaint: transactionFailed, likeServer: true };
  // In characters, not in UTF-16 units.
  const position = [...text.slice(0, found.index)].length + 1;
  const message = `there is no parameter ${found[0]}`;
  return { complaint: { severity: "ERROR", sqlstate: "42P02", message, position }, likeServer: true };
}

/** As {@link ownErrorOf}, of a Bind: PostgreSQL has words of its own for a wrong number of values. */
export function bindErrorOf(refusal: Refusal, statement: string): OwnError {
  const found = refusal.code === "invalid_parameter" ? count.exec(refusal.message) : null;
  if (found === null) return ownErrorOf(refusal);
  const [, given, wanted = "0"] = found;
  const message = `bind message supplies ${given} parameters, but prepared statement "${statement}" requires ${wanted}`;
  return { complaint: { severity: "ERROR", sqlstate: "08P01", message }, likeServer: true };
}
