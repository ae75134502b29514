import type { TransactionStatus } from "../exchange.ts";
import { type Expected, expected } from "./expected.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Replies } from "./replies.ts";
import { errorText, request } from "./request-message.ts";
import type { SessionNames } from "./session-names.ts";

/** The part of a conversation that a refusal has to do with. */
interface Refusing {
  readonly replies: Replies;
  readonly outgoing: Outgoing;
  readonly names: SessionNames;
  readonly status: TransactionStatus;
  readonly pipeline: number;
  readonly stepped: boolean;
  pipelineEnds(): void;
  send(message: Buffer, entry: Expected): void;
}

/**
 * Refuses a Query. The status that follows is the server's: where a pipeline is open, or PostgreSQL itself would have failed, the server is made to
 * fail as well.
 */
export function refuseQuery(conversation: Refusing, bytes: Buffer, likeServer: boolean): void {
  const { stepped, status, replies, outgoing, names, pipeline } = conversation;
  const fails = stepped || (likeServer && (status === "T" || replies.due > 0));
  conversation.pipelineEnds();
  if (outgoing.lent === undefined) replies.expect(expected("local", { bytes, ready: true }));
  else if (fails) conversation.send(request.query(errorText), expected("query", { bytes }));
  else if (names.mayHaveUnnamed(pipeline)) takeUnnamed(conversation, bytes);
  else replies.expect(expected("local", { bytes, ready: true }));
}

/**
 * As after every Query the statement and the portal without a name are gone (§53.2.3): a Bind or an Execute that follows must not run what was
 * prepared before. An empty text takes the one away and runs nothing; the transaction lives on, and its ReadyForQuery is the client's.
 */
function takeUnnamed(conversation: Refusing, bytes: Buffer): void {
  const { names, pipeline, replies } = conversation;
  replies.expect(expected("local", { bytes }));
  names.portals.sent("", undefined, pipeline);
  conversation.send(request.closePortal(""), expected("close-portal", { silent: true }));
  const ready = expected("query");
  ready.muted = true;
  conversation.send(request.query(""), ready);
}
