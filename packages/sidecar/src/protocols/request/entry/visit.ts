import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CountersignError, type Principal } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import type { DispatchOptions } from "../../connector.ts";
import type { Field } from "../fields.ts";
import type { Admission } from "./admission.ts";
import { Answer } from "./answer.ts";
import { askedRequest, fieldsOf } from "./asked-request.ts";
import { bodyUpTo } from "./body.ts";
import { callerOf } from "./caller.ts";
import type { ConnectionGates, GateTerms } from "./connection-gates.ts";
import type { ApiRequest, EntryKind } from "./entry-kind.ts";
import { nameOf, type OpenRequests } from "./open-requests.ts";
import { pass } from "./passing.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What every request of a listener is served with. */
export interface VisitParts {
  readonly host: NativeHost;
  readonly kind: EntryKind;
  /** The listener's name in records. */
  readonly listener: string;
  readonly open: OpenRequests;
  readonly gates: ConnectionGates;
  readonly mostBodyBytes: number;
  readonly admit: Admission;
}

/** Where clients ask what has become of a request; no path of any target. */
const statusPath = /^\/\.countersign\/requests\/(req_[0-9A-Z]{26})$/;

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
  }
}

/**
 * HTTP/0.9 has no headers at all; chunks in HTTP/1.0 are read by some servers and not by others (RFC 9112 §6.1); HTTP/1.1 without Host means
 * whatever the next server takes for its default (§3.2).
 */
function checkMessage(
  { httpVersion, socket, headers: { host: name } }: IncomingMessage,
  fields: readonly Field[],
  { host, kind: { protocol }, listener }: VisitParts,
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
  const { host, kind, open, mostBodyBytes } = parts;
  const { resource, path } = kind.route(request);
  const isForeign = kind.isForeign(host.resources.get(resource));
  const body = await bodyUpTo(request, mostBodyBytes);
  const { message, wantsAsync, key, reason } = askedRequest(request, path, fields, body, isForeign);
  const operation = kind.operation(message);
  if (!(wantsAsync && kind.tellsWhere))
    return decide(operation, { principal, resource, reason }, request.socket, response, parts);
  const name = nameOf(principal, resource, operation);
  const before = open.idOf(name);
  if (before !== undefined) return follow(before, principal, response, parts);
  const answer = new Answer(response, kind, { type: "told", statusUrl });
  const call = { principal, resource, operation, reason, session: "", durable: true };
  await host.guard.execute(
    { ...call, ...(key !== undefined && { idempotencyKey: `${kind.protocol} ${key.slice(0, 200)}` }) },
    answer,
  );
  if (answer.told !== undefined) open.opened(name, answer.told);
}

/** What becomes of a request whose client waits: passed on at once, held, or refused. */
async function decide(
  operation: ApiRequest,
  terms: GateTerms,
  socket: Socket,
  response: ServerResponse,
  { host, kind, gates }: VisitParts,
): Promise<void> {
  const { connector } = host.resources.get(terms.resource);
  for (let passed = false; !passed; ) {
    const gate = gates.of(socket, terms);
    // Locked out: that is on record like every other refusal.
    if (gate === undefined)
      return host.guard.execute(
        { ...terms, operation, session: "", durable: false },
        new Answer(response, kind, { type: "open" }),
      );
    const why = kind.refuses?.(operation);
    if (why !== undefined) {
      const { requestId, failure } = await gate.native.refuse(operation, why);
      return refuse(response, { code: "invalid_operation", message: failure?.message ?? why, requestId }, kind.refusalForm);
    }
    const judged = gate.native.judge(operation);
    const verdict = judged instanceof Promise ? await judged : judged;
    if (verdict.effect === "refuse") return refuse(response, verdict, kind.refusalForm);
    if (verdict.effect === "hold") return gate.native.follow(verdict, new Answer(response, kind, { type: "open" }));
    const { role, limits } = verdict.decision;
    const dispatch = (options: DispatchOptions) => connector.dispatch(operation, role, limits, options);
    passed = await pass(verdict, { gate, journal: host.journal, response, form: kind.refusalForm, dispatch });
  }
}

/** Tells what has become of a request, or gives its answer. */
async function follow(
  id: string,
  principal: Principal,
  response: ServerResponse,
  { host, kind, open }: VisitParts,
): Promise<void> {
  const answer = new Answer(response, kind, { type: "told", statusUrl });
  await host.guard.watch(principal, id, 0, answer);
  if (answer.hasEnded) open.answered(id);
}

function statusUrl(id: string): string {
  return `/.countersign/requests/${id}`;
}
