import { AgentServiceClient, type ExecuteLineRequest, type ExecuteResponse, type SubmitRequest } from "@countersign/rpc";
import { type ClientReadableStream, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import { channelCredentials, channelOptions, type Tls } from "./address.ts";
import { CountersignError, errorFromStatus } from "./errors.ts";
import type { EventCall, EventSink } from "./event-call.ts";
import { Multiplex } from "./multiplex.ts";
import { losePatience, type Patience } from "./patience.ts";

/** Where the sidecar is and who calls. */
export interface ConnectionOptions {
  /** `unix:///path/to/agent.sock`, or `host:port`. */
  readonly address: string;
  /** The agent's OIDC token, or a function that gives the current one, asked before every call. A socket of one agent needs none. */
  readonly token?: string | (() => string | Promise<string>);
  /** Needed for a host that is not this machine; `{}` trusts the system's roots. */
  readonly tls?: Tls;
}

/** What a stream of events starts with: an action to run, a request to follow, or a line of a plan to run. */
export type Opening =
  | { readonly type: "execute"; readonly submit: SubmitRequest }
  | { readonly type: "watch"; readonly requestId: string; readonly afterSequence: number }
  | { readonly type: "line"; readonly request: ExecuteLineRequest };

/** Starts a call that has one answer. */
export type Call<Response> = (
  client: AgentServiceClient,
  metadata: Metadata,
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Something that has to end when the client is closed. */
export interface Ward {
  abandon(error: CountersignError): void;
}

/** One client's connection to its sidecar: a single channel, on which all calls share one HTTP/2 session. */
export class Connection {
  readonly address: string;
  /** Told by which policy a new action was decided, `sha256:<hex>`. */
  decidedBy: (policyDigest: string) => void = () => {};
  /** What ends with the connection. */
  readonly wards = new Set<Ward>();
  readonly #client: AgentServiceClient;
  readonly #token: (() => string | Promise<string>) | undefined;
  /** The last token with its metadata: the same token gives the same object. */
  #known: { readonly token: string | undefined; readonly metadata: Metadata };
  /** Where short calls travel together, and whose they are. */
  #shared: { readonly stream: Multiplex; readonly metadata: Metadata } | undefined;
  /** Whether the sidecar knows shared streams; so it is taken to, until it says otherwise. */
  #sharing = true;
  #closed = false;

  /** @throws {CountersignError} as `channelCredentials`. */
  constructor({ address, token, tls }: ConnectionOptions) {
    this.address = address;
    this.#client = new AgentServiceClient(address, channelCredentials(address, tls), channelOptions);
    this.#token = typeof token === "function" ? token : undefined;
    const fixed = typeof token === "string" ? token : undefined;
    this.#known = { token: fixed, metadata: metadataWith(fixed) };
  }

  /** What identifies the caller; at once where no function has to be asked. */
  metadata(): Metadata | Promise<Metadata> {
    if (this.#closed) throw closedError();
    return this.#token === undefined ? this.#known.metadata : this.#ask(this.#token);
  }

  /** Opens a stream of events; a short action joins others on a shared stream. */
  open(opening: Opening, metadata: Metadata, sink: EventSink): EventCall {
    if (opening.type === "execute") {
      const shared = this.#sharing ? this.#sharedBy(metadata) : undefined;
      if (shared?.takes(opening.submit)) return shared.execute(opening.submit, sink);
    }
    return this.#own(opening, metadata, sink);
  }

  /**
   * Makes a call with one answer.
   *
   * @throws {CountersignError} what the sidecar answers, or `sidecar_unreachable`, `timeout`, `aborted`.
   */
  async unary<Response>(start: Call<Response>, patience: Patience = {}): Promise<Response> {
    const metadata = await this.metadata();
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const stop = losePatience(patience, (impatience) => ward.abandon(impatience("", "The call may have arrived.")));
    const call = start(this.#client, metadata, (error, response) => {
      stop();
      this.wards.delete(ward);
      if (error === null) resolve(response);
      else reject(errorFromStatus(error, this.address));
    });
    const ward: Ward = {
      abandon: (error) => {
        reject(error);
        call.cancel();
      },
    };
    this.wards.add(ward);
    return promise;
  }

  /** Ends every call and closes the channel. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const ward of [...this.wards]) ward.abandon(closedError());
    this.#shared?.stream.cancel();
    this.#client.close();
  }

  #own(opening: Opening, metadata: Metadata, sink: EventSink): EventCall {
    const call = withoutStack((): ClientReadableStream<Pick<ExecuteResponse, "events">> => {
      if (opening.type === "line") return this.#client.executeLine(opening.request, metadata);
      if (opening.type === "execute") return this.#client.execute({ submit: opening.submit }, metadata);
      return this.#client.watch({ requestId: opening.requestId, afterSequence: opening.afterSequence }, metadata);
    });
    let failure: ServiceError | undefined;
    call.on("data", ({ events }: Pick<ExecuteResponse, "events">) => sink.events(events));
    // grpc-js reports the failure before the messages in front of it were read; `end` comes after them.
    call.on("error", (error: ServiceError) => {
      failure = error;
    });
    call.on("end", () => sink.ended(failure));
    return call;
  }

  /** The shared stream of a caller. Another token gets another stream: the old one ends with its calls. */
  #sharedBy(metadata: Metadata): Multiplex {
    const { stream, metadata: before } = this.#shared ?? {};
    if (stream !== undefined && !stream.closing && before === metadata) return stream;
    stream?.close();
    const fresh = new Multiplex(
      withoutStack(() => this.#client.multiplex(metadata)),
      {
        plain: (submit, sink) => this.#own({ type: "execute", submit }, metadata, sink),
        unknown: () => {
          this.#sharing = false;
        },
      },
    );
    this.#shared = { stream: fresh, metadata };
    return fresh;
  }

  async #ask(ask: () => string | Promise<string>): Promise<Metadata> {
    try {
      const token = await ask();
      if (token !== this.#known.token) this.#known = { token, metadata: metadataWith(token) };
      return this.#known.metadata;
    } catch (error) {
      throw new CountersignError("unauthenticated", "The client's `token` function failed; nothing was sent.", { cause: error });
    }
  }
}

/**
 * grpc-js captures a stack trace for each call, in case it fails: a fifth of the whole cost of a short call. Nobody would see it, because
 * errors are made anew for the caller.
 */
function withoutStack<Result>(start: () => Result): Result {
  const limit = Error.stackTraceLimit;
  // Not an assignment: that would throw where intrinsics are frozen.
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    return start();
  } finally {
    Reflect.set(Error, "stackTraceLimit", limit);
  }
}

function metadataWith(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function closedError(): CountersignError {
  return new CountersignError("aborted", "The client was closed.");
}
