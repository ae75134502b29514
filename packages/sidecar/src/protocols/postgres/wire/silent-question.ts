import { decodeRows } from "../codec.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import { ownName, request } from "./request-message.ts";

/**
 * Asks the client's own session something, between the client's own messages: it touches none of its names, and the client hears nothing of it.
 * Whatever was sent before has to be answered.
 *
 * @returns the one row of the answer; undefined when the server says no, which makes an open transaction fail.
 */
export async function silentQuestion(
  conversation: Conversation,
  question: string,
): Promise<readonly (string | null)[] | undefined> {
  const rows: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const silent = { silent: true, name: ownName } as const;
  conversation.send(request.parse(ownName, question), expected("parse", silent));
  conversation.send(request.bind(ownName, ownName, []), expected("bind", silent));
  conversation.send(request.execute(ownName), expected("execute", { ...silent, rows }));
  conversation.send(request.closePortal(ownName), expected("close-portal", silent));
  conversation.send(request.closeStatement(ownName), expected("close-statement", { ...silent, settled: resolve }));
  // A Sync of ours would commit what the client's own is to commit.
  if (conversation.stepped || (conversation.unsynced && conversation.status === "T")) conversation.outgoing.add(request.flush);
  else conversation.send(request.sync, expected("sync", silent));
  conversation.turn();
  if (!(await promise)) return undefined;
  return decodeRows(Buffer.concat(rows), 1)[0] ?? [];
}
