import type { IncomingMessage, ServerResponse } from "node:http";
import { CountersignError, type Principal } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import type { Field } from "../../request/fields.ts";
import { isHttpTarget } from "../connector.ts";
import { Answer } from "./answer.ts";
import { type AskedRequest, askedRequest, fieldsOf, tokenOf } from "./asked-request.ts";
import { nameOf, type OpenRequests } from "./open-requests.ts";
import { tell } from "./problem.ts";

/** What every request of a listener is served with. */
export interface VisitParts {
  readonly host: NativeHost;
  /** The listener's name in records. */
  readonly listener: string;
  /** The resource of a host's name; undefined = there is none. */
  readonly resourceOf: (host: string) => string | undefined;
  readonly open: OpenRequests;
  readonly mostBodyBytes: number;
  /** Counts a principal's request; undefined = it has as many as it may have. */
  readonly admit: (principal: Principal) => Disposable | undefined;
}

/** Where clients ask what has become of a request; no path of any target. */
const statusPath = /^\/\.countersign\/requests\/(req_[0-9A-Z]{26})$/;

/** Serves one request of an unmodified client: who it is, what it asks for, and then the guard. Never rejects. */
export async function visit(request: IncomingMessage, response: ServerResponse, parts: VisitParts): Promise<void> {
  response.on("error", () => {});
  const fields = fieldsOf(request);
  try {
    checkMessage(request, fields, parts);
    const principal = await authenticate(request, fields, parts);
    using place = parts.admit(principal);
    if (place === undefined)
      throw new CountersignError("too_many_requests", "This agent has too many requests open.", { retryable: true });
    const status = statusPath.exec(request.url ?? "")?.[1];
    if (status !== undefined && request.method === "GET") await follow(status, principal, response, parts);
    else await ask(request, fields, principal, response, parts);
  } catch (error) {
    if (response.destroyed) return;
    if (error instanceof CountersignError) tell(response, { ...error, message: error.message });
    else {
      parts.host.onInternalError(error);
      tell(response, { code: "internal", message: "An internal error stopped it." });
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
  { host, listener }: VisitParts,
): void {
  const isChunked = fields.some(([field]) => field.toLowerCase() === "transfer-encoding");
  if ((httpVersion === "1.1" && name !== undefined) || (httpVersion === "1.0" && !isChunked)) return;
  const why = `not HTTP as everybody reads it (HTTP/${httpVersion}${isChunked ? " with Transfer-Encoding" : ""}${name === undefined ? " without Host" : ""})`;
  const from = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
  host.failedLogins.note({ protocol: "http", listener, from, claims: {}, proof: "none", why });
  throw new CountersignError("invalid_request", "Send HTTP/1.1, with one Host.");
}

async function authenticate(
  request: IncomingMessage,
  fields: readonly Field[],
  { host, listener }: VisitParts,
): Promise<Principal> {
  const token = tokenOf(fields);
  try {
    if (token === undefined)
      throw new CountersignError("unauthenticated", "Send the agent's token, once: Authorization: Bearer TOKEN.");
    return await host.tokens.verify(token);
  } catch (error) {
    const { remoteAddress = "", remotePort = 0 } = request.socket;
    const claims = { host: request.headers.host ?? "", method: request.method ?? "" };
    const why = error instanceof Error ? error.message : "";
    host.failedLogins.note({
      protocol: "http",
      listener,
      from: `${remoteAddress}:${remotePort}`,
      claims,
      proof: token === undefined ? "none" : "token",
      why,
    });
    throw error;
  }
}

async function ask(
  request: IncomingMessage,
  fields: readonly Field[],
  principal: Principal,
  response: ServerResponse,
  parts: VisitParts,
): Promise<void> {
  const { host, open, mostBodyBytes } = parts;
  const resource = resourceOf(request, parts);
  const { connector } = host.resources.get(resource);
  if (!isHttpTarget(connector)) throw new CountersignError("unknown_resource", `${resource} is no HTTP API.`);
  const body = await bodyUpTo(request, mostBodyBytes);
  const { operation, wantsAsync, key, reason }: AskedRequest = askedRequest(
    request,
    fields,
    body,
    (name, value) => !connector.mayBring(name, value),
  );
  const name = nameOf(principal, resource, operation);
  const before = wantsAsync ? open.idOf(name) : undefined;
  if (before !== undefined) return follow(before, principal, response, parts);
  const answer = new Answer(response, wantsAsync ? { type: "told", statusUrl } : { type: "open" });
  const call = { principal, resource, operation, reason, session: "", durable: wantsAsync };
  await host.guard.execute(
    { ...call, ...(wantsAsync && key !== undefined && { idempotencyKey: `http ${key.slice(0, 200)}` }) },
    answer,
  );
  if (answer.told !== undefined) open.opened(name, answer.told);
}

/** Tells what has become of a request, or gives its answer. */
async function follow(id: string, principal: Principal, response: ServerResponse, { host, open }: VisitParts): Promise<void> {
  const answer = new Answer(response, { type: "told", statusUrl });
  await host.guard.watch(principal, id, 0, answer);
  if (answer.hasEnded) open.answered(id);
}

function statusUrl(id: string): string {
  return `/.countersign/requests/${id}`;
}

function resourceOf({ headers: { host = "" } }: IncomingMessage, parts: VisitParts): string {
  const resource = parts.resourceOf(host.replace(/:\d*$/, "").toLowerCase());
  if (resource !== undefined) return resource;
  throw new CountersignError(
    "unknown_resource",
    "No resource has this host name here; the listener's hosts list those that there are.",
  );
}

/** The body; of one that is larger a byte more than is taken, so that it is refused as such. */
async function bodyUpTo(request: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  // What is not read here is read past, up to the end of the request, and then forgotten.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size > most) break;
  }
  return Buffer.concat(parts, Math.min(size, most + 1));
}
