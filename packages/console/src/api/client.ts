import { ApiError, problemError } from "./api-error.ts";
import { decodeDetail, decodeInboxMessage, decodePage, decodeSession, type InboxMessage } from "./decode.ts";
import { EventStreamDecoder } from "./event-stream.ts";
import { decodeGrant, decodeGrantPage, grantTermsJson } from "./grant-json.ts";
import { DecodeError } from "./json.ts";
import type {
  ActiveLock,
  Delegation,
  Detail,
  EmergencyReview,
  Grant,
  GrantPage,
  GrantTerms,
  LockTarget,
  Page,
  Session,
  State,
  Verdict,
} from "./model.ts";
import type { Operation } from "./operation.ts";
import { operationJson } from "./operation-json.ts";
import { decodeCut, decodePart, decodeSessions, type RecordedSession, type RecordingPart } from "./recording.ts";
import {
  decodeDelegation,
  decodeDelegations,
  decodeLock,
  decodeLocks,
  decodeReview,
  decodeReviews,
  lockTargetJson,
} from "./standing-json.ts";
import { wireState, wireVerdict } from "./words.ts";

/** What comes down the inbox stream. */
export type InboxItem =
  /** The stream is open; the pending requests follow. */
  | { readonly type: "open" }
  /** A heartbeat. */
  | { readonly type: "alive" }
  /** A request that was opened or changed, or the policy's status. */
  | InboxMessage;

/** A vote as the page casts it. */
export interface Ballot {
  /** The digest that was on the screen when the person decided. */
  readonly requestDigest: string;
  readonly verdict: Verdict;
  readonly comment: string;
  /** Approves more than once, within these terms. */
  readonly grant?: GrantTerms;
  /** Alone, in an emergency. */
  readonly breakGlass?: boolean;
  /** Lines of a plan that are struck out, from 0. */
  readonly struck?: readonly number[];
}

/** The approver API. Every method throws {@link ApiError}, or the signal's reason when it was aborted. */
export class ApproverApi {
  readonly #fetch: typeof fetch;
  #clockOffsetMs = 0;

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher;
  }

  /** How far the server's clock is ahead of this machine's, milliseconds; within a second or so, as HTTP's Date header is. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** Exchanges a one-time token for a session cookie. */
  async signIn(token: string): Promise<Session> {
    return this.#json("/api/session", { method: "POST", body: { token } }, decodeSession);
  }

  async session(signal?: AbortSignal): Promise<Session> {
    return this.#json("/api/session", { signal }, decodeSession);
  }

  async signOut(): Promise<void> {
    await this.#call("/api/session", { method: "DELETE" });
  }

  /** One page, newest first. */
  async list(query: { states: readonly State[]; pageSize: number; pageToken?: string }, signal?: AbortSignal): Promise<Page> {
    const search = new URLSearchParams(query.states.map((state) => ["state", wireState(state)]));
    search.set("pageSize", String(query.pageSize));
    if (query.pageToken) search.set("pageToken", query.pageToken);
    return this.#json(`/api/requests?${search}`, { signal }, decodePage);
  }

  async request(id: string, signal?: AbortSignal): Promise<Detail> {
    return this.#json(`/api/requests/${encodeURIComponent(id)}`, { signal }, decodeDetail);
  }

  async vote(id: string, ballot: Ballot): Promise<Detail> {
    const body = {
      requestDigest: ballot.requestDigest,
      verdict: wireVerdict(ballot.verdict),
      comment: ballot.comment,
      ...(ballot.grant && { grant: grantTermsJson(ballot.grant) }),
      ...(ballot.breakGlass && { breakGlass: true }),
      ...(ballot.struck !== undefined && ballot.struck.length > 0 && { struck: ballot.struck }),
    };
    return this.#json(`/api/requests/${encodeURIComponent(id)}/votes`, { method: "POST", body }, decodeDetail);
  }

  /** Proposes another operation in the place of a held one. Gives the request that took its place. */
  async proposeEdit(
    id: string,
    edit: { readonly requestDigest: string; readonly operation: Operation; readonly comment: string },
  ): Promise<Detail> {
    const { requestDigest, comment } = edit;
    return this.#method("proposeEdit", { id, requestDigest, operation: operationJson(edit.operation), comment }, decodeDetail);
  }

  /** Takes back a request. */
  async revoke(id: string, reason: string): Promise<Detail> {
    return this.#method("revoke", { id, reason }, decodeDetail);
  }

  /** Says what became of a request whose outcome is unknown. */
  async resolve(id: string, happened: boolean, reason: string): Promise<Detail> {
    return this.#method("resolve", { id, happened, reason }, decodeDetail);
  }

  async grants(query: { activeOnly: boolean; pageToken: string }, signal?: AbortSignal): Promise<GrantPage> {
    return this.#method("listGrants", { ...query, pageSize: 50 }, decodeGrantPage, signal);
  }

  async revokeGrant(id: string, reason: string): Promise<Grant> {
    return this.#method("revokeGrant", { id, reason }, decodeGrant);
  }

  async locks(signal?: AbortSignal): Promise<readonly ActiveLock[]> {
    return this.#method("listLocks", {}, decodeLocks, signal);
  }

  async lock(target: LockTarget, reason: string): Promise<ActiveLock> {
    return this.#method("lock", { target: lockTargetJson(target), reason }, decodeLock);
  }

  async liftLock(id: string, reason: string): Promise<ActiveLock> {
    return this.#method("liftLock", { id, reason }, decodeLock);
  }

  async delegations(signal?: AbortSignal): Promise<readonly Delegation[]> {
    return this.#method("listDelegations", {}, decodeDelegations, signal);
  }

  /** Gives the caller's right to vote away for a time; `fromMs` 0 = from now. */
  async delegate(delegation: { to: string; fromMs: number; untilMs: number; reason: string }): Promise<Delegation> {
    return this.#method("delegate", delegation, decodeDelegation);
  }

  async endDelegation(id: string): Promise<Delegation> {
    return this.#method("endDelegation", { id }, decodeDelegation);
  }

  /** The reviews that emergencies require, open ones first. */
  async reviews(signal?: AbortSignal): Promise<readonly EmergencyReview[]> {
    return this.#method("listReviews", {}, decodeReviews, signal);
  }

  async closeReview(requestId: string, finding: string): Promise<EmergencyReview> {
    return this.#method("closeReview", { requestId, finding }, decodeReview);
  }

  /** The recorded session of a request; undefined when it has none. */
  async recordedSession(requestId: string, signal?: AbortSignal): Promise<RecordedSession | undefined> {
    return (await this.#method("listSessions", { requestId, pageSize: 1 }, decodeSessions, signal))[0];
  }

  /** Recorded sessions, newest first: those of one page. */
  async recordedSessions(signal?: AbortSignal): Promise<readonly RecordedSession[]> {
    return this.#method("listSessions", {}, decodeSessions, signal);
  }

  /** A recording from a place on; where there is none yet, waits a while for it. */
  async recordingPart(id: string, after: number, signal?: AbortSignal): Promise<RecordingPart> {
    return this.#method("readSession", { id, after, waitMs: 5000 }, decodePart, signal);
  }

  /** Ends a session that goes on. */
  async cutSession(id: string, reason: string): Promise<RecordedSession> {
    return this.#method("cutSession", { id, reason }, decodeCut);
  }

  /** Follows the inbox until the connection ends. */
  async *inbox(signal: AbortSignal): AsyncGenerator<InboxItem> {
    const response = await this.#call("/api/inbox", { signal, accept: "text/event-stream" });
    if (response.body === null) throw new ApiError("unreadable", "The inbox stream has no body");
    yield { type: "open" };
    const decoder = new EventStreamDecoder();
    const utf8 = new TextDecoder();
    for await (const chunk of response.body) {
      for (const item of decoder.push(utf8.decode(chunk, { stream: true }))) {
        if (item.type === "comment") yield { type: "alive" };
        else yield decoded(() => decodeInboxMessage(JSON.parse(item.data)));
      }
    }
  }

  #method<T>(name: string, body: unknown, decode: (value: unknown) => T, signal?: AbortSignal): Promise<T> {
    return this.#json(`/api/methods/${name}`, { method: "POST", body, signal }, decode);
  }

  async #json<T>(path: string, options: CallOptions, decode: (value: unknown) => T): Promise<T> {
    const response = await this.#call(path, options);
    try {
      return decode(await response.json());
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      const why = cause instanceof DecodeError ? `: ${cause.message}` : "";
      throw new ApiError("unreadable", `The server's answer could not be read${why}`, { status: response.status, cause });
    }
  }

  async #call(path: string, options: CallOptions): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(path, {
        method: options.method ?? "GET",
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        // A plain form or link of another site cannot set this header; with the Origin it is what the server asks of every change.
        headers: {
          accept: options.accept ?? "application/json",
          "x-countersign": "console",
          ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw new ApiError("unreachable", "Countersign did not answer", { retryable: true, cause });
    }
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) this.#clockOffsetMs = Math.abs(date - Date.now()) > 2_000 ? date - Date.now() : 0;
    if (!response.ok) throw problemError(response.status, await response.json().catch(() => undefined));
    return response;
  }
}

interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new ApiError("unreadable", "A message of the inbox stream could not be read", { cause });
  }
}
