import { Readable } from "node:stream";
import type { AuditLog } from "@countersign/audit";
import { CountersignError } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApproverSession } from "../identity.ts";
import { record, signInRecord } from "../records.ts";
import type { ApproverApi } from "./approver-api.ts";
import { eventStream } from "./event-stream.ts";
import type { Method } from "./methods/method.ts";
import { type SignIn, sessionMs } from "./sign-in.ts";

const cookieName = "countersign_session";
/** Not for the static files: no other path of this origin needs it. */
const cookieOptions = { path: "/api", httpOnly: true, sameSite: "strict" } as const;
/** An edit carries a whole operation, bytes. */
const longestBody = 4 * 1024 * 1024;
/** More than so many inbox streams at once are refused: each is a connection. */
const mostStreams = 200;

/** What the routes need. */
export interface ConsoleRoutes {
  readonly api: ApproverApi;
  readonly methods: Readonly<Record<string, Method>>;
  readonly signIn: SignIn;
  readonly audit: AuditLog;
  readonly now: () => number;
  /** Aborts when the server stops. */
  readonly ending: AbortSignal;
}

/** The console's JSON API: bodies are the wire's messages in their JSON form. A handler is: authenticate, parse, do, answer. */
export function consoleRoutes(app: FastifyInstance, { api, methods, signIn, audit, now, ending }: ConsoleRoutes): void {
  let streams = 0;

  function authenticate(request: FastifyRequest): ApproverSession {
    const session = signIn.session(request.cookies[cookieName] ?? "");
    if (session === undefined) throw new CountersignError("unauthenticated", "You are not signed in. Open a new sign-in link.");
    return session;
  }

  app.post("/api/session", async (request, reply) => {
    if (signIn.blocked) {
      throw new CountersignError("too_many_requests", "Too many failed sign-ins. Wait a minute.", { retryable: true });
    }
    const approver = signIn.redeem(textOf(request.body, "token"));
    await record(audit, [signInRecord({ timeMs: now(), ...(approver === undefined ? {} : { approver }) })]);
    if (approver === undefined) {
      throw new CountersignError("unauthenticated", "The sign-in link is wrong, used or older than 10 minutes. Get a new one.");
    }
    const cookie = signIn.begin(approver);
    reply.setCookie(cookieName, cookie, { ...cookieOptions, maxAge: sessionMs / 1000 });
    return rpc.GetSessionResponse.toJSON(api.session({ approver, expiresMs: now() + sessionMs }));
  });

  app.get("/api/session", (request) => Promise.resolve(rpc.GetSessionResponse.toJSON(api.session(authenticate(request)))));

  app.delete("/api/session", async (request, reply) => {
    signIn.end(request.cookies[cookieName] ?? "");
    return reply.clearCookie(cookieName, cookieOptions).code(204).send();
  });

  app.get("/api/requests", async (request) => {
    const { approver } = authenticate(request);
    return rpc.ListRequestsResponse.toJSON(
      await api.list(approver, listRequest(new URL(request.url, "http://local").searchParams)),
    );
  });

  app.get<{ Params: { id: string } }>("/api/requests/:id", async (request) => {
    const { approver } = authenticate(request);
    return rpc.GetRequestResponse.toJSON(await api.get(approver, request.params.id));
  });

  app.post<{ Params: { id: string } }>("/api/requests/:id/votes", async (request) => {
    const { approver } = authenticate(request);
    const vote: rpc.VoteRequest = {
      ...rpc.VoteRequest.fromJSON(request.body),
      id: request.params.id,
      requestDigest: textOf(request.body, "requestDigest"),
      verdict: rpc.verdictFromJSON(textOf(request.body, "verdict")),
      comment: textOf(request.body, "comment", ""),
    };
    return rpc.VoteResponse.toJSON(await api.vote(approver, vote));
  });

  // Everything else, by the name that it has on the wire.
  app.post<{ Params: { name: string } }>("/api/methods/:name", { bodyLimit: longestBody }, async (request) => {
    const session = authenticate(request);
    const { name } = request.params;
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) throw new CountersignError("not_found", "There is no such method.");
    return method.onJson(session, request.body ?? {});
  });

  app.get("/api/inbox", (request, reply) => {
    const { approver } = authenticate(request);
    if (streams >= mostStreams) throw new CountersignError("too_many_requests", "Too many open inboxes.", { retryable: true });
    const gone = new AbortController();
    streams++;
    reply.raw.once("close", () => {
      streams--;
      gone.abort();
    });
    const messages = (signal: AbortSignal) => inboxJson(api.inbox(approver, signal));
    const events = eventStream(messages, () => isSignedIn(request), AbortSignal.any([gone.signal, ending]));
    return sendStream(reply, Readable.from(events));
  });

  function isSignedIn(request: FastifyRequest): boolean {
    return !ending.aborted && signIn.session(request.cookies[cookieName] ?? "") !== undefined;
  }
}

async function* inboxJson(messages: AsyncIterable<rpc.WatchInboxResponse>): AsyncGenerator<unknown> {
  for await (const message of messages) yield rpc.WatchInboxResponse.toJSON(message);
}

function sendStream(reply: FastifyReply, stream: Readable): FastifyReply {
  return reply.header("content-type", "text/event-stream").header("x-accel-buffering", "no").send(stream);
}

function listRequest(query: URLSearchParams): rpc.ListRequestsRequest {
  const pageSize = query.get("pageSize") ?? "0";
  if (!/^\d{1,4}$/.test(pageSize)) throw new CountersignError("invalid_request", "The page size has to be a number.");
  return {
    states: query.getAll("state").map((name) => rpc.requestStateFromJSON(name)),
    pageSize: Number(pageSize),
    pageToken: query.get("pageToken") ?? "",
  };
}

/** A text of a JSON body. */
function textOf(body: unknown, name: string, otherwise?: string): string {
  const value = typeof body === "object" && body !== null && Object.hasOwn(body, name) ? Reflect.get(body, name) : otherwise;
  if (typeof value !== "string") throw new CountersignError("invalid_request", `The body needs "${name}", a text.`);
  return value;
}
