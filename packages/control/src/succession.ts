import { CountersignError, canonicalJson, type Json, type Predecessor, type RequestDraft } from "@countersign/policy";

/** Which request a draft takes the place of. */
export function predecessorOf({ replaces, binding, idempotencyKey }: RequestDraft): Predecessor {
  // A key names one request of its caller for ever: it stays with the old one, which points on.
  if (replaces === undefined || replaces.requestId === binding.requestId || idempotencyKey !== undefined) {
    throw defect("it does not say in the place of which other request it stands, or has an idempotency key of its own");
  }
  return replaces;
}

/**
 * Makes sure that a request asks in the name of nobody else, from nowhere else and for no longer than the one whose place it takes.
 *
 * @throws {CountersignError} `invalid_request`.
 */
export function requireSameCaller(old: RequestDraft, draft: RequestDraft): void {
  if (caller(old) !== caller(draft))
    throw defect("it is another caller's, or for another resource, than the one that it replaces");
}

/** @throws {CountersignError} `invalid_request`: only approvers change what is asked for. */
export function requireSameOperation(old: RequestDraft, draft: RequestDraft): void {
  if (draft.replaces?.editedBy !== undefined || asks(old) !== asks(draft)) {
    throw defect("it asks for something else than the one that it replaces");
  }
}

/** What a request asks for, whatever policy makes of it: the operation and the resource, as one text. */
export function asks({ action: { operation, resource } }: Pick<RequestDraft, "action">): string {
  return text({ operation: { ...operation }, resource });
}

function caller({ action, claims, owner, reason, session, durable, sidecar }: RequestDraft): string {
  const { issuer, subject, groups } = action.principal;
  const { resource } = action;
  return text({ issuer, subject, groups, resource, claims, owner: owner ?? null, reason, session, durable, sidecar });
}

function text(value: unknown): string {
  // Through JSON, as both have been or will be stored: what is absent is left out.
  const json: Json = JSON.parse(JSON.stringify(value));
  return canonicalJson(json);
}

function defect(what: string): CountersignError {
  return new CountersignError(
    "invalid_request",
    `The request was refused: ${what}. This is a defect of the sidecar that sent it.`,
  );
}
