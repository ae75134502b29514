import {
  type ActiveLock,
  ApproverServiceClient,
  type CloseReviewResponse,
  type CutSessionResponse,
  type DelegateRequest,
  type DelegateResponse,
  type Delegation,
  type EmergencyReview,
  type EndDelegationResponse,
  ErrorInfo,
  type Grant,
  type LiftLockResponse,
  type ListDelegationsResponse,
  type ListGrantsResponse,
  type ListLocksResponse,
  type ListRequestsResponse,
  type ListReviewsResponse,
  type ListSessionsResponse,
  type LockResponse,
  type LockTarget,
  type Operation,
  type ProposeEditResponse,
  type ReadSessionResponse,
  type RecordedSession,
  type RequestDetail,
  type RequestState,
  type RequestSummary,
  type ResolveResponse,
  type RevokeGrantResponse,
  type RevokeResponse,
  type Verdict,
  type VoteRequest,
  type WatchInboxResponse,
} from "@countersign/rpc";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";

/** A call to the approver API that failed. */
class ApproverCallError extends Error {
  override readonly name = "ApproverCallError";
  /** The server's closed code, see ARCHITECTURE.md; `control_plane_unavailable` when nothing answers. */
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The approver API of a running instance, as one approver. */
export class ApproverClient implements Disposable {
  readonly #client: ApproverServiceClient;
  readonly #metadata = new Metadata();
  readonly #address: string;

  /**
   * @param address gRPC address, e.g. `unix:///…/approver.sock`.
   * @param token bearer token with the audience `countersign-approver`.
   */
  constructor(address: string, token: string) {
    this.#address = address;
    this.#client = new ApproverServiceClient(address, credentials.createInsecure(), { "grpc.enable_retries": 0 });
    this.#metadata.set("authorization", `Bearer ${token}`);
  }

  /** Every request in these states (all when none is named), newest first. */
  async list(states: readonly RequestState[]): Promise<readonly RequestSummary[]> {
    const found: RequestSummary[] = [];
    let pageToken = "";
    do {
      const request = { states: [...states], pageSize: 200, pageToken };
      const page = await this.#call<ListRequestsResponse>((done) => this.#client.listRequests(request, this.#metadata, done));
      found.push(...page.requests);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  /** One request whole. */
  async get(id: string): Promise<RequestDetail> {
    const answer = await this.#call<{ request?: RequestDetail | undefined }>((done) =>
      this.#client.getRequest({ id }, this.#metadata, done),
    );
    return present(answer.request);
  }

  /** The pending requests, then each that is opened or changes, until the signal aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<RequestSummary> {
    const stream = this.#client.watchInbox({}, this.#metadata);
    const stop = (): void => stream.cancel();
    signal.addEventListener("abort", stop, { once: true });
    try {
      for await (const message of stream as AsyncIterable<WatchInboxResponse>)
        if (message.request !== undefined) yield message.request;
    } catch (error) {
      if (!signal.aborted) throw this.#translate(error);
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  /** Votes over the request digest that was shown. */
  async vote(
    detail: RequestDetail,
    verdict: Verdict,
    comment: string,
    more: Partial<Pick<VoteRequest, "grant" | "breakGlass" | "struck">> = {},
  ): Promise<RequestDetail> {
    const { requestDigest } = detail;
    const plain = { grant: undefined, breakGlass: false, struck: [], ...more };
    const vote = { id: present(detail.summary).id, requestDigest, verdict, comment, ...plain };
    const answer = await this.#call<{ request?: RequestDetail | undefined }>((done) =>
      this.#client.vote(vote, this.#metadata, done),
    );
    return present(answer.request);
  }

  /** Standing approvals, newest first. */
  async grants(activeOnly: boolean): Promise<readonly Grant[]> {
    const found: Grant[] = [];
    let pageToken = "";
    do {
      const request = { activeOnly, pageSize: 200, pageToken };
      const page = await this.#call<ListGrantsResponse>((done) => this.#client.listGrants(request, this.#metadata, done));
      found.push(...page.grants);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  /** Takes a grant back. */
  async revokeGrant(id: string, reason: string): Promise<Grant> {
    const answer = await this.#call<RevokeGrantResponse>((done) =>
      this.#client.revokeGrant({ id, reason }, this.#metadata, done),
    );
    return present(answer.grant);
  }

  /** Puts a changed operation in the place of the one that was shown; gives the new request. */
  async proposeEdit({ summary, requestDigest }: RequestDetail, operation: Operation, comment: string): Promise<RequestDetail> {
    const edit = { id: present(summary).id, requestDigest, operation, comment };
    const answer = await this.#call<ProposeEditResponse>((done) => this.#client.proposeEdit(edit, this.#metadata, done));
    return present(answer.request);
  }

  /** Takes a request back. */
  async revoke(id: string, reason: string): Promise<RequestDetail> {
    return present(
      (await this.#call<RevokeResponse>((done) => this.#client.revoke({ id, reason }, this.#metadata, done))).request,
    );
  }

  /** Says what became of a request whose outcome is unknown. */
  async resolve(id: string, happened: boolean, reason: string): Promise<RequestDetail> {
    const message = { id, happened, reason };
    return present((await this.#call<ResolveResponse>((done) => this.#client.resolve(message, this.#metadata, done))).request);
  }

  /** The locks in force, newest first. */
  async locks(): Promise<readonly ActiveLock[]> {
    return (await this.#call<ListLocksResponse>((done) => this.#client.listLocks({}, this.#metadata, done))).locks;
  }

  async lock(target: LockTarget, reason: string): Promise<ActiveLock> {
    return present((await this.#call<LockResponse>((done) => this.#client.lock({ target, reason }, this.#metadata, done))).lock);
  }

  async liftLock(id: string, reason: string): Promise<ActiveLock> {
    return present(
      (await this.#call<LiftLockResponse>((done) => this.#client.liftLock({ id, reason }, this.#metadata, done))).lock,
    );
  }

  /** Everybody's delegations, newest first. */
  async delegations(): Promise<readonly Delegation[]> {
    const answer = await this.#call<ListDelegationsResponse>((done) => this.#client.listDelegations({}, this.#metadata, done));
    return answer.delegations;
  }

  async delegate(wish: DelegateRequest): Promise<Delegation> {
    return present((await this.#call<DelegateResponse>((done) => this.#client.delegate(wish, this.#metadata, done))).delegation);
  }

  async endDelegation(id: string): Promise<Delegation> {
    const answer = await this.#call<EndDelegationResponse>((done) => this.#client.endDelegation({ id }, this.#metadata, done));
    return present(answer.delegation);
  }

  /** The reviews that emergencies require, those that are due first before others. */
  async reviews(openOnly: boolean): Promise<readonly EmergencyReview[]> {
    return (await this.#call<ListReviewsResponse>((done) => this.#client.listReviews({ openOnly }, this.#metadata, done)))
      .reviews;
  }

  async closeReview(requestId: string, finding: string): Promise<EmergencyReview> {
    const message = { requestId, finding };
    return present(
      (await this.#call<CloseReviewResponse>((done) => this.#client.closeReview(message, this.#metadata, done))).review,
    );
  }

  /** Recorded sessions, newest first. */
  async sessions(): Promise<readonly RecordedSession[]> {
    const found: RecordedSession[] = [];
    let pageToken = "";
    do {
      const request = { requestId: "", pageSize: 200, pageToken };
      const page = await this.#call<ListSessionsResponse>((done) => this.#client.listSessions(request, this.#metadata, done));
      found.push(...page.sessions);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  /** Ends a recorded session that goes on. */
  async cutSession(id: string, reason: string): Promise<RecordedSession> {
    const answer = await this.#call<CutSessionResponse>((done) => this.#client.cutSession({ id, reason }, this.#metadata, done));
    return present(answer.session);
  }

  /** A recording, part by part: as far as it goes now, or until the session ends. */
  async *recording(
    id: string,
    { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<ReadSessionResponse> {
    for (let after = 0; !signal.aborted; ) {
      const request = { id, after, waitMs: follow ? 5000 : 0 };
      const part = await this.#call<ReadSessionResponse>((done) => this.#client.readSession(request, this.#metadata, done));
      yield part;
      if (part.complete || (!follow && part.next === after)) return;
      after = part.next;
    }
  }

  /** The one request whose id begins (with or without `req_`) or ends so. */
  async find(idPart: string): Promise<RequestDetail> {
    return await this.get(await this.idOf(idPart));
  }

  /**
   * The id of the one request whose id begins (with or without `req_`) or ends so.
   *
   * @throws {ApproverCallError} `not_found` or `ambiguous`.
   */
  async idOf(idPart: string): Promise<string> {
    const all = await this.list([]);
    if (all.some(({ id }) => id === idPart)) return idPart;
    const matches = all.filter(({ id }) => id.startsWith(idPart) || id.startsWith(`req_${idPart}`) || id.endsWith(idPart));
    const [match, ...others] = matches;
    if (match === undefined)
      throw new ApproverCallError(
        "not_found",
        `There is no request ${idPart}. \`countersign requests --all\` lists them.`,
        undefined,
      );
    if (others.length === 0) return match.id;
    const some = matches.slice(0, 5).map(({ id }) => id);
    const more = matches.length > some.length ? `, and ${matches.length - some.length} more` : "";
    throw new ApproverCallError("ambiguous", `${idPart} could be ${some.join(", ")}${more}. Give more of the id.`, undefined);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call<Answer>(start: (done: (error: ServiceError | null, answer: Answer) => void) => unknown): Promise<Answer> {
    return new Promise((resolve, reject) =>
      start((error, answer) => (error === null ? resolve(answer) : reject(this.#translate(error)))),
    );
  }

  #translate(error: unknown): unknown {
    if (!isServiceError(error)) return error;
    const [bytes] = error.metadata.get("countersign-error-bin");
    if (Buffer.isBuffer(bytes)) {
      const info = ErrorInfo.decode(bytes);
      return new ApproverCallError(info.code, info.message, error);
    }
    return error.code === status.UNAVAILABLE
      ? new ApproverCallError(
          "control_plane_unavailable",
          `Countersign does not answer at ${this.#address}. Start it with \`countersign up\`.`,
          error,
        )
      : new ApproverCallError("internal", error.details, error);
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "details" in error && "metadata" in error && error.metadata instanceof Metadata;
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined)
    throw new ApproverCallError("internal", "The control plane's answer is incomplete. Are both of the same version?", undefined);
  return value;
}
