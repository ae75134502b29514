import { CountersignError, type Json, type SqlFacts } from "@countersign/policy";
import type { Conversation } from "./conversation.ts";
import { silentQuestion } from "./silent-question.ts";

/**
 * What takes a snapshot of its own in the very moment in which it begins: a question right before it changes nothing of what it sees. After LOCK TABLE, e.g.,
 * a transaction means to see what came until then.
 */
const asking: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** On a standby no transaction has an id, and asking for one would make it fail. */
const question =
  "select case when pg_catalog.pg_is_in_recovery() then null else pg_catalog.pg_current_xact_id()::pg_catalog.text end";

/**
 * By what it can be asked later what became of the client's own open transaction. Null outside of one, where the server would commit the question's
 * own transaction, and for what may not be preceded by a question: what becomes of that in a crash a person has to say.
 *
 * @throws {CountersignError} `target_unavailable` when the session cannot be asked; its transaction has failed.
 */
export async function transactionMarker(conversation: Conversation, { kinds, opaque }: SqlFacts): Promise<Json> {
  const { lent } = conversation.outgoing;
  if (
    conversation.status !== "T" ||
    conversation.unsynced ||
    lent === undefined ||
    opaque ||
    !kinds.every((kind) => asking.has(kind))
  )
    return null;
  const row = await silentQuestion(conversation, question);
  if (row === undefined)
    throw new CountersignError("target_unavailable", "The session could not be asked for its transaction; nothing ran.");
  const [xid] = row;
  return xid ? lent.marker(xid) : null;
}
