import { CountersignError, type PostgresQuery } from "@countersign/policy";
import type { Masking } from "../masks/masking.ts";
import { readExecute } from "./client-message.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import { request } from "./request-message.ts";
import type { Running } from "./running.ts";

/**
 * How an allowed operation's result is masked. A refusal is recorded.
 *
 * @throws {CountersignError} `denied` for what cannot be masked; when the database cannot be asked; as {@link Conversation.lend}.
 */
export async function maskingOf(
  conversation: Conversation,
  operation: PostgresQuery,
  masks: readonly string[] | undefined,
): Promise<Masking | undefined> {
  if (masks === undefined) return undefined;
  try {
    return await acceptedMasking(conversation, operation, masks);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== "denied") throw error;
    const { requestId } = await conversation.native.refuse(operation, error);
    throw new CountersignError(error.code, error.message, { requestId, cause: error });
  }
}

/** As {@link maskingOf}; a refusal is the caller's to record. */
export async function acceptedMasking(
  conversation: Conversation,
  operation: PostgresQuery,
  masks: readonly string[],
): Promise<Masking> {
  await conversation.lend();
  const { lent } = conversation.outgoing;
  if (lent === undefined) throw new CountersignError("cancelled", "The client has gone; nothing ran.");
  const masking = await lent.masking(operation, masks);
  masking.accept();
  return masking;
}

/** Has the portal described to us right before it is executed: by the plan that gives its rows. */
export function describeMasked(conversation: Conversation, execute: Buffer, running: Running | undefined): void {
  if (running?.masked === undefined) return;
  conversation.send(request.describePortal(readExecute(execute).portal), expected("describe", { silent: true, running }));
}
