import { CountersignError } from "@countersign/policy";
import type { Conversation } from "./conversation.ts";
import { silentQuestion } from "./silent-question.ts";

/** What decides how a statement is read and whose rights it has. Names of functions and views are qualified: a drifted path must not choose others. */
const settings = [
  "standard_conforming_strings",
  "backslash_quote",
  "transform_null_equals",
  "client_encoding",
  "search_path",
  "session_replication_role",
  "role",
] as const;

const list = (view: string) =>
  `coalesce((select pg_catalog.json_agg(pg_catalog.json_build_array(name, statement)) from pg_catalog.${view}), '[]')::pg_catalog.text`;
const question = `select ${[
  ...settings.map((name) => `pg_catalog.current_setting('${name}')`),
  list("pg_prepared_statements"),
  list("pg_cursors"),
].join(", ")}`;

/**
 * Asks the session, after something ran that may have changed it, whether statements are still read as they are classified, and whether the names
 * of prepared statements and cursors still stand for what was decided on. It goes between the client's own messages and touches none of its names.
 *
 * @throws {CountersignError} `target_unavailable` when anything differs: the session must end.
 */
export async function checkSession(conversation: Conversation): Promise<void> {
  const row = (await silentQuestion(conversation, question)) ?? (await askedAgain(conversation));
  if (row === undefined) throw changed("cannot be read any more");
  compare(conversation, row);
}

/**
 * What failed with nothing of the client's around it tells nothing about the session, and is asked once more: a cancel may have hit it; and after an
 * implicit transaction that a Query in the middle of a pipeline leaves behind, PostgreSQL itself fails at the next statement, whichever that is.
 */
async function askedAgain(conversation: Conversation): Promise<readonly (string | null)[] | undefined> {
  await conversation.answeredAll();
  const isAlone = !conversation.lostMeanwhile && conversation.status === "I";
  return isAlone ? silentQuestion(conversation, question) : undefined;
}

function compare({ outgoing, names }: Conversation, row: readonly (string | null)[]): void {
  for (const [index, name] of settings.entries()) {
    const value = row[index] ?? "";
    if (name === "role" ? value !== "none" : outgoing.lent?.drifted(name, value) !== false) throw changed(`has another ${name}`);
  }
  const [statements, cursors] = [pairs(row[settings.length]), pairs(row[settings.length + 1])];
  for (const [name, { source, refused }] of names.statements.entries()) {
    const there = statements.get(name);
    if (!refused && there !== undefined && there !== source) throw changed("has another prepared statement of the same name");
  }
  for (const [name, { source }] of names.portals.entries()) {
    const there = cursors.get(name);
    if (there !== undefined && there !== source) throw changed("has another cursor of the same name");
  }
}

function pairs(text: string | null | undefined): ReadonlyMap<string, string> {
  const parsed: unknown = JSON.parse(text ?? "[]");
  const found = new Map<string, string>();
  for (const pair of Array.isArray(parsed) ? parsed : []) {
    if (Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string") found.set(pair[0], pair[1]);
  }
  return found;
}

function changed(how: string): CountersignError {
  return new CountersignError("target_unavailable", `the session ${how} after a statement that is not fully understood`);
}
