import {
  ApproverServiceClient,
  ErrorInfo,
  type Grant,
  type ListGrantsResponse,
  type ListRequestsResponse,
  type RequestDetail,
  type RequestState,
  type RequestSummary,
  type RevokeGrantResponse,
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
    more: Partial<Pick<VoteRequest, "grant">> = {},
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

  /**
   * The one request whose id begins (with or without `req_`) or ends so.
   *
   * @throws {ApproverCallError} `not_found` or `ambiguous`.
   */
  async find(idPart: string): Promise<RequestDetail> {
    const all = await this.list([]);
    if (all.some(({ id }) => id === idPart)) return await this.get(idPart);
    const matches = all.filter(({ id }) => id.startsWith(idPart) || id.startsWith(`req_${idPart}`) || id.endsWith(idPart));
    const [match, ...others] = matches;
    if (match === undefined)
      throw new ApproverCallError(
        "not_found",
        `There is no request ${idPart}. \`countersign requests --all\` lists them.`,
        undefined,
      );
    if (others.length === 0) return await this.get(match.id);
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
