import type { IncomingMessage, ServerResponse } from "node:http";
import { CountersignError, type Principal } from "@countersign/policy";
import type { Field } from "../fields.ts";
import type { RefusedUpgrades } from "../upgrade/refused-upgrades.ts";
import type { Admission } from "./admission.ts";
import { Answer } from "./answer.ts";
import { askedRequest, fieldsOf } from "./asked-request.ts";
import { type BodyPatience, bodyOrStream, bodyUpTo } from "./body.ts";
import { callerOf } from "./caller.ts";
import { type DecidingParts, decide } from "./deciding.ts";
import { nameOf, type OpenRequests } from "./open-requests.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What every request of a listener is served with. */
export interface VisitParts extends DecidingParts {
  /** The listener's name in records. */
  readonly listener: string;
  readonly open: OpenRequests;
  readonly mostBodyBytes: number;
  readonly patience: BodyPatience;
  readonly admit: Admission;
  readonly refused: Pick<RefusedUpgrades, "before">;
}

/** Where clients ask what has become of a request; no path of any target. */
const statusPath = /^\/\.countersign\/requests\/(req_[0-9A-Z]{26})$/;

/** How long that may take, milliseconds. */
const lingerMs = 5_000;

/** Serves one request of an unmodified client: who it is, what it asks for, and then the guard. Never rejects. */
export async function visit(request: IncomingMessage, response: ServerResponse, parts: VisitParts): Promise<void> {
  response.on("error", () => {});
  const fields = fieldsOf(request);
  const tell = (refusal: Refusal) => refuse(response, refusal, parts.kind.refusalForm);
  try {
    checkMessage(request, fields, parts);
    const principal = await callerOf(request, fields, parts);
    using place = parts.admit(principal);
    if (place === undefined)
      throw new CountersignError("too_many_requests", "This agent has too many requests open.", { retryable: true });
    const status = parts.kind.tellsWhere ? statusPath.exec(request.url ?? "")?.[1] : undefined;
    if (status !== undefined && request.method === "GET") await follow(status, principal, response, parts);
    else await ask(request, fields, principal, response, parts);
  } catch (error) {
    if (response.destroyed) return;
    if (error instanceof CountersignError) tell({ ...error, message: error.message });
    else {
      parts.host.onInternalError(error);
      tell({ code: "internal", message: "An internal error stopped it." });
    }
  } finally {
    leaveUnread(request);
  }
}

/** What is left of a request that is answered is read past, so that its client hears the answer; one that sends on and on is cut off. */
function leaveUnread(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  setTimeout(() => !request.complete && request.socket.destroy(), lingerMs).unref();
}

/**
 * HTTP/0.9 has no headers at all; chunks in HTTP/1.0 are read by some servers and not by others (RFC 9112 §6.1); HTTP/1.1 without Host means
 * whatever the next server takes for its default (§3.2).
 */
export function checkMessage(
  { httpVersion, socket, headers: { host: name } }: IncomingMessage,
  fields: readonly Field[],
  { host, kind: { protocol }, listener }: Pick<VisitParts, "host" | "kind" | "listener">,
): void {
  const isChunked = fields.some(([field]) => field.toLowerCase() === "transfer-encoding");
  if ((httpVersion === "1.1" && name !== undefined) || (httpVersion === "1.0" && !isChunked)) return;
  const why = `not HTTP as everybody reads it (HTTP/${httpVersion}${isChunked ? " with Transfer-Encoding" : ""}${name === undefined ? " without Host" : ""})`;
  const from = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
  host.failedLogins.note({ protocol, listener, from, claims: {}, proof: "none", why });
  throw new CountersignError("invalid_request", "Send HTTP/1.1, with one Host.");
}

async function ask(
  request: IncomingMessage,
  fields: readonly Field[],
  principal: Principal,
  response: ServerResponse,
  parts: VisitParts,
): Promise<void> {
  const { host, kind, open, mostBodyBytes, patience } = parts;
  const { resource, path } = kind.route(request);
  const before = request.headers.upgrade === undefined ? undefined : parts.refused.before(principal, resource, path);
  if (before !== undefined) return refuse(response, before, kind.refusalForm);
  const isForeign = kind.isForeign(host.resources.get(resource));
  const body = await (kind.streamsTo ? bodyOrStream : bodyUpTo)(request, mostBodyBytes, patience);
  const { message, wantsAsync, key, reason } = askedRequest(request, path, fields, body, isForeign);
  const operation = kind.operation(message);
  const streamed = Buffer.isBuffer(body) ? undefined : body;
  if (!(wantsAsync && kind.tellsWhere) || streamed !== undefined)
    return decide({ operation, streamed, socket: request.socket }, { principal, resource, reason }, response, parts);
  const name = nameOf(principal, resource, operation);
  const known = open.idOf(name);
  if (known !== undefined) return follow(known, principal, response, parts);
  const answer = new Answer(response, kind, { type: "told", statusUrl, onTold: (id) => open.opened(name, id) });
  const call = { principal, resource, operation, reason, session: "", durable: true };
  await host.guard.execute(
    { ...call, ...(key !== undefined && { idempotencyKey: `${kind.protocol} ${key.slice(0, 200)}` }) },
    answer,
  );
}

/** Tells what has become of a request, or gives its answer. */
async function follow(
  id: string,
  principal: Principal,
  response: ServerResponse,
  { host, kind, open }: VisitParts,
): Promise<void> {
  const answer = new Answer(response, kind, { type: "told", statusUrl, onEnded: () => open.answered(id) });
  await host.guard.watch(principal, id, 0, answer);
}

function statusUrl(id: string): string {
  return `/.countersign/requests/${id}`;
}
