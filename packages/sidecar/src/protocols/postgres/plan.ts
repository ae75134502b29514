import { CountersignError } from "@countersign/policy";

/** How a statement is run, and what becomes of its connection. */
export interface Plan {
  /** `read` and `standalone` run on their own, `transaction` between BEGIN and COMMIT, so that a marker tells later what became of it. */
  readonly mode: "read" | "transaction" | "standalone";
  /**
   * Others use the connection after it. `keep`: nothing of the session can have changed. `reset`: DISCARD ALL takes back what a function or a
   * trigger may have set. `end`: the rest, e.g. LOAD or DO, which leave things in the server's process that nothing takes back.
   */
  readonly afterwards: "keep" | "reset" | "end";
}

/** Statements that steer transactions. PREPARE TRANSACTION would leave one behind that nobody ends. */
const transactionControl = /^(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE TRANSACTION)\b/;

/** What PostgreSQL refuses inside a transaction block (callers of PreventInTransactionBlock), or may refuse. */
const standaloneAlways =
  /^(VACUUM|REINDEX|CLUSTER|REPACK|ALTER SYSTEM|DISCARD|(CREATE|ALTER|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION))\b/;
/** Those that do nothing to a session by themselves. */
const rowChanges = /^(INSERT|UPDATE|DELETE|MERGE)\b/;
/** Those that it refuses only with CONCURRENTLY. */
const standaloneConcurrently = /^(CREATE( UNIQUE)? INDEX|DROP INDEX|ALTER TABLE|REFRESH)\b/;

/**
 * Chooses how to run a statement by its first words. Policy has classified it with the real parser already; here a mistake costs little: what is
 * wrongly held for standalone leaves `unknown` after a crash, what is wrongly put into a transaction is refused by PostgreSQL (25001).
 *
 * @throws {CountersignError} `invalid_operation` for transaction control: a call is one statement on a connection that others use too.
 */
export function planOf(statement: string, readOnly: boolean): Plan {
  const words = leadingWords(statement, 3).join(" ");
  const control = transactionControl.exec(words);
  if (control) {
    const message = `${control[0]} cannot be sent: each call is its own transaction. Send the statement itself; to do several things atomically, use one statement (WITH …).`;
    throw new CountersignError("invalid_operation", message);
  }
  if (readOnly) return { mode: "read", afterwards: "keep" };
  const concurrently = standaloneConcurrently.test(words) && /\bconcurrently\b/i.test(statement);
  const mode = concurrently || standaloneAlways.test(words) ? "standalone" : "transaction";
  return { mode, afterwards: rowChanges.test(words) ? "reset" : "end" };
}

/** The first words of a statement in upper case, without comments (which nest in PostgreSQL). */
export function leadingWords(statement: string, most: number): string[] {
  const words: string[] = [];
  let rest = withoutLeadingSpace(statement);
  while (words.length < most) {
    const word = /^[A-Za-z_]+/.exec(rest)?.[0];
    if (!word) break;
    words.push(word.toUpperCase());
    rest = withoutLeadingSpace(rest.slice(word.length));
  }
  return words;
}

function withoutLeadingSpace(text: string): string {
  let at = 0;
  for (;;) {
    const start = at;
    while (/[ \t\n\r\f\v;]/.test(text.charAt(at))) at++;
    if (text.startsWith("--", at)) at = endOfLine(text, at);
    else if (text.startsWith("/*", at)) at = endOfComment(text, at);
    if (at === start) return text.slice(at);
  }
}

function endOfLine(text: string, start: number): number {
  const end = text.slice(start).search(/[\n\r]/);
  return end === -1 ? text.length : start + end;
}

function endOfComment(text: string, start: number): number {
  let depth = 0;
  for (const mark of text.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return start + mark.index + 2;
  }
  return text.length;
}
