import type { HeldLocks } from "../../../native/own-connection.ts";
import type { Conversation } from "./conversation.ts";

/** What the open transaction of a client holds, once everything is done that it sent before. Never rejects. */
export async function transactionLocks(conversation: Conversation, signal: AbortSignal): Promise<HeldLocks> {
  const stopped = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stopped.resolve(), { once: true });
  const answered = conversation.answeredAll();
  conversation.turn();
  await Promise.race([answered, stopped.promise]);
  const { lent } = conversation.outgoing;
  if (!signal.aborted && lent !== undefined && !conversation.ended) return lent.locks(signal);
  return { locks: [], failure: "What the client's open transaction holds could not be found out: it was stopped before." };
}
