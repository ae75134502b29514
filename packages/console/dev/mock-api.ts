import type { IncomingMessage, ServerResponse } from "node:http";
import {
  GetRequestResponse,
  GetSessionResponse,
  ListRequestsResponse,
  type RequestDetail,
  RequestState,
  requestStateFromJSON,
  Verdict,
  VoteRequest,
  VoteResponse,
  WatchInboxResponse,
} from "@countersign/rpc";
import { endedRequest, pendingRequest } from "./fixtures.ts";
import { MockMethods, MockRefusal } from "./mock-methods.ts";
import { pendingSketches } from "./sketches.ts";

/** The approver API with made-up requests, for working on the page. Its JSON comes from the generated `toJSON`, as the product's does. */
export class MockApi {
  readonly requests = new Map<string, RequestDetail>();
  readonly methods: MockMethods;
  readonly #streams = new Set<ServerResponse>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #options: { clock: () => number; stepMs: number };
  #down = false;

  /** @param options `stepMs`: how long an approved request takes from each state to the next. */
  constructor(options: { clock: () => number; stepMs: number }) {
    this.#options = options;
    this.methods = new MockMethods(this);
    const nowMs = options.clock();
    for (const [index, sketch] of pendingSketches.entries()) this.#keep(pendingRequest(sketch, index + 1, nowMs));
    for (let number = 0; number < 60; number++) this.#keep(endedRequest(number, nowMs));
    this.#every(15_000, () => {
      for (const stream of this.#streams) stream.write(": alive\n\n");
    });
  }

  /** Answers a request of the API. False: it is not one. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? "/", "http://console");
    if (!url.pathname.startsWith("/api/")) return false;
    this.#answer(request, response, url).catch((error) => this.#problem(response, 500, "internal", String(error)));
    return true;
  }

  /** The mock's time. */
  now(): number {
    return this.#options.clock();
  }

  /** A new pending request, like one of the sketches. */
  ask(sketch: number): string {
    const like = pendingSketches[sketch];
    if (like === undefined) throw new RangeError(`No sketch ${sketch}`);
    const request = pendingRequest({ ...like, askedMsAgo: 0 }, this.requests.size + 1, this.#options.clock());
    this.#keep(request);
    this.#tell(request);
    return request.summary?.id ?? "";
  }

  /** Brings a request into a state, as the product would. */
  move(id: string, state: RequestState, by: string): void {
    const request = this.requests.get(id);
    if (request?.summary === undefined) throw new RangeError(`No request ${id}`);
    const nowMs = this.#options.clock();
    request.summary.state = state;
    request.summary.changedMs = nowMs;
    request.summary.canVote = false;
    request.cannotVoteReason = "This request is no longer waiting.";
    request.history.push({ state, timeMs: nowMs, by });
    if (state === RequestState.SUCCEEDED || state === RequestState.DENIED || state === RequestState.EXPIRED) {
      request.outcome = {
        ...endedRequest(0, nowMs).outcome,
        ...(state === RequestState.SUCCEEDED ? {} : { commandTag: "", rowsAffected: 0, durationMs: 0, receipt: undefined }),
        state,
      } as RequestDetail["outcome"];
    }
    this.#tell(request);
  }

  /** Drops all streams and refuses calls, or comes back. */
  setDown(down: boolean): void {
    this.#down = down;
    if (down) for (const stream of this.#streams) stream.destroy();
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const stream of this.#streams) stream.end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<unknown> {
    if (this.#down) return this.#problem(response, 503, "control_plane_unavailable", "The mock is down.");
    const [, , resource, id, part] = url.pathname.split("/");
    const route = `${request.method} ${resource}${id ? "/:id" : ""}${part ? `/${part}` : ""}`;
    if (request.method !== "GET" && request.headers["x-countersign"] !== "console")
      return this.#problem(response, 403, "forbidden", "The header is missing.");
    if (route === "POST session") {
      const { token } = await body(request);
      if (token !== "demo") return this.#problem(response, 401, "unauthenticated", "The sign-in link was used or has expired.");
      response.setHeader("set-cookie", "countersign_session=mock; HttpOnly; SameSite=Strict; Path=/");
      return this.#json(response, this.#session());
    }
    if (!request.headers.cookie?.includes("countersign_session=mock"))
      return this.#problem(response, 401, "unauthenticated", "Sign in first.");
    if (route === "GET session") return this.#json(response, this.#session());
    if (route === "DELETE session") {
      response.setHeader("set-cookie", "countersign_session=; Max-Age=0; Path=/");
      return response.writeHead(204).end();
    }
    if (route === "POST methods/:id") {
      try {
        return this.#json(response, this.methods.call(id ?? "", await body(request)));
      } catch (error) {
        if (!(error instanceof MockRefusal)) throw error;
        return this.#problem(response, error.code === "not_found" ? 404 : 409, error.code, error.message);
      }
    }
    if (route === "GET inbox") return this.#stream(request, response);
    if (route === "GET requests") return this.#json(response, this.#list(url.searchParams));
    const found = this.requests.get(id ?? "");
    if (found === undefined) return this.#problem(response, 404, "not_found", "There is no such request.");
    if (route === "GET requests/:id") return this.#json(response, GetRequestResponse.toJSON({ request: found }));
    if (route === "POST requests/:id/votes") return this.#vote(response, found, await body(request));
    return this.#problem(response, 404, "not_found", "There is no such path.");
  }

  #session(): unknown {
    return GetSessionResponse.toJSON({
      approver: { issuer: "countersign-development", subject: "alice", groups: ["dba-oncall"] },
      expiresMs: this.#options.clock() + 43_200_000,
    });
  }

  #list(search: URLSearchParams): unknown {
    const states = search.getAll("state").map(requestStateFromJSON);
    const size = Number(search.get("pageSize") || 50);
    const from = Number(search.get("pageToken") || 0);
    const all = [...this.requests.values()].flatMap(({ summary }) =>
      summary && (states.length === 0 || states.includes(summary.state)) ? [summary] : [],
    );
    all.sort((a, b) => b.createdMs - a.createdMs);
    return ListRequestsResponse.toJSON({
      requests: all.slice(from, from + size),
      nextPageToken: from + size < all.length ? String(from + size) : "",
    });
  }

  #vote(response: ServerResponse, request: RequestDetail, vote: Record<string, unknown>): unknown {
    const { summary } = request;
    if (summary?.state !== RequestState.PENDING)
      return this.#problem(response, 409, "not_pending", "This request was decided meanwhile.");
    if (vote.requestDigest !== request.requestDigest)
      return this.#problem(response, 409, "digest_mismatch", "Your vote was over another digest.");
    const { verdict, comment, grant, breakGlass, struck } = VoteRequest.fromJSON(vote);
    const approver = { issuer: "countersign-development", subject: "alice", groups: ["dba-oncall"] };
    request.votes.push({ approver, verdict, comment, timeMs: this.now(), actingFor: [], breakGlass, grant });
    for (const line of request.plan) line.struck ||= struck.includes(line.index);
    if (breakGlass) this.#breakGlass(request);
    const stages = request.requirements.flatMap((one) => one.stages);
    for (const requirement of request.requirements) {
      const stage = requirement.stages.find((one) => one.approved < one.count);
      if (stage && verdict === Verdict.APPROVE) stage.approved++;
      requirement.satisfied = requirement.stages.every((one) => one.approved >= one.count);
    }
    if (verdict === Verdict.DENY) this.move(summary.id, RequestState.DENIED, "alice");
    else if (stages.every((one) => one.approved >= one.count)) {
      this.move(summary.id, RequestState.APPROVED, "alice");
      this.#after(1, () => this.move(summary.id, RequestState.EXECUTING, "sidecar"));
      this.#after(2, () => this.move(summary.id, RequestState.SUCCEEDED, "sidecar"));
    } else {
      Object.assign(summary, { canVote: false, changedMs: this.#options.clock() });
      request.cannotVoteReason = "You have voted already.";
      this.#tell(request);
    }
    this.#json(response, VoteResponse.toJSON({ request }));
  }

  #breakGlass({ summary, requirements }: RequestDetail): void {
    if (summary) Object.assign(summary, { brokeGlass: true, reviewDueMs: this.now() + 86_400_000 });
    for (const stage of requirements.flatMap((one) => one.stages)) stage.approved = stage.count;
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": hello\n\n");
    for (const one of this.requests.values()) if (one.summary?.state === RequestState.PENDING) response.write(event(one));
    this.#streams.add(response);
    request.on("close", () => this.#streams.delete(response));
  }

  #tell(request: RequestDetail): void {
    for (const stream of this.#streams) stream.write(event(request));
  }

  #keep(request: RequestDetail): void {
    this.requests.set(request.summary?.id ?? "", request);
  }

  #json(response: ServerResponse, value: unknown): void {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  }

  #problem(response: ServerResponse, status: number, code: string, detail: string): void {
    const problem = { type: "about:blank", title: code, status, detail, code, retryable: status >= 500 };
    response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  }

  #every(ms: number, run: () => void): void {
    this.#timers.add(setInterval(run, ms).unref());
  }

  #after(steps: number, run: () => void): void {
    this.#timers.add(setTimeout(run, steps * this.#options.stepMs).unref());
  }
}

function event(request: RequestDetail): string {
  return `data: ${JSON.stringify(WatchInboxResponse.toJSON({ request: request.summary, policy: undefined }))}\n\n`;
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += chunk;
  const value: unknown = JSON.parse(text || "{}");
  return typeof value === "object" && value !== null ? { ...value } : {};
}
