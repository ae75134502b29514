import { ApiError } from "./api-error.ts";
import type { InboxItem } from "./client.ts";
import type { Page, PolicyStatus, State, Summary } from "./model.ts";

/** Where the feed's connection stands. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "waiting"; readonly retryAtMs: number; readonly error: ApiError };

/** What the pages see. Replaced as a whole at each change, never changed in place. */
export interface FeedSnapshot {
  readonly connection: Connection;
  /** Whether the list has been read once since the page was opened: before that, empty does not mean that nothing waits. */
  readonly loaded: boolean;
  /** Unfinished requests, and those that ended while the page was open. */
  readonly requests: ReadonlyMap<string, Summary>;
  /** As it was last told; absent before, or where the server knows of none. */
  readonly policy?: PolicyStatus;
}

/** The calls that the feed makes. */
export interface FeedSource {
  inbox(signal: AbortSignal): AsyncIterable<InboxItem>;
  list(query: { states: readonly State[]; pageSize: number; pageToken?: string }, signal?: AbortSignal): Promise<Page>;
}

/** Time and chance, so that a test can drive them. */
export interface FeedTiming {
  now(): number;
  /** Resolves after a time, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 to 1. */
  random(): number;
}

const unfinished = ["pending", "approved", "executing"] as const satisfies readonly State[];
/** The server sends a heartbeat every 15 s; a connection that is silent for three of them is dead, whatever TCP says. */
const silentMs = 45_000;
/** How many ended requests are kept in view. */
const keepEnded = 50;

/**
 * The live inbox: one stream of changes, joined at every (re)connection with the list of what is unfinished, so that nothing that
 * happened in a gap is missed. Ten thousand pending requests arrive as ten thousand messages: they are published in batches.
 */
export class InboxFeed {
  readonly #source: FeedSource;
  readonly #timing: FeedTiming;
  readonly #listeners = new Set<() => void>();
  readonly #arrivals = new Set<(request: Summary) => void>();
  readonly #told = new Map<string, Set<() => void>>();
  #requests = new Map<string, Summary>();
  #snapshot: FeedSnapshot = { connection: { state: "connecting" }, loaded: false, requests: new Map() };
  #publishing = false;
  #attempt = 0;
  #wake = new AbortController();

  constructor(source: FeedSource, timing: FeedTiming) {
    this.#source = source;
    this.#timing = timing;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): FeedSnapshot => this.#snapshot;

  /** Tells of each request that starts to wait for this person after the list was first read. */
  onArrival(listener: (request: Summary) => void): () => void {
    this.#arrivals.add(listener);
    return () => this.#arrivals.delete(listener);
  }

  /** Tells of everything that the stream says about one request, also when its summary stays the same, e.g. that evidence was found. */
  onTold(id: string, listener: () => void): () => void {
    const listeners = this.#told.get(id) ?? new Set();
    this.#told.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#told.delete(id);
    };
  }

  /** Takes in what another call has just learned, e.g. the answer to a vote. */
  learn(request: Summary): void {
    const known = this.#requests.get(request.id);
    if (known !== undefined && known.changedMs > request.changedMs) return;
    if (known === undefined && !isUnfinished(request)) return;
    this.#requests.set(request.id, request);
    if (this.#snapshot.loaded && request.canVote && request.state === "pending" && !known?.canVote) {
      for (const tell of this.#arrivals) tell(request);
    }
    this.#publishSoon();
  }

  /** Ends a wait for the next attempt, e.g. because the machine is online again. */
  retryNow(): void {
    this.#wake.abort();
  }

  /**
   * Follows the inbox until the signal aborts, reconnecting with growing pauses.
   *
   * @throws {ApiError} `unauthenticated` when the session has ended.
   */
  async run(signal: AbortSignal): Promise<void> {
    for (this.#attempt = 0; !signal.aborted; this.#attempt++) {
      let error = new ApiError("unreachable", "The connection ended", { retryable: true });
      try {
        await this.#follow(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof ApiError) && !(thrown instanceof TypeError) && !isAbort(thrown)) throw thrown;
        if (thrown instanceof ApiError) error = thrown;
        if (error.code === "unauthenticated") throw error;
      }
      const pauseMs = Math.min(30_000, 500 * 2 ** this.#attempt) * (0.5 + this.#timing.random() / 2);
      this.#connection({ state: "waiting", retryAtMs: this.#timing.now() + pauseMs, error });
      this.#wake = new AbortController();
      await this.#timing.sleep(pauseMs, AbortSignal.any([signal, this.#wake.signal]));
      if (!signal.aborted) this.#connection({ state: "connecting" });
    }
  }

  /** One connection's life, from the call to its end. */
  async #follow(signal: AbortSignal): Promise<void> {
    const connection = new AbortController();
    const alive = AbortSignal.any([signal, connection.signal]);
    let lastHeardMs = this.#timing.now();
    let reconciled: Promise<void> | undefined;
    let failed: unknown;
    const watch = this.#watchSilence(() => lastHeardMs, connection, alive);
    try {
      for await (const item of this.#source.inbox(alive)) {
        lastHeardMs = this.#timing.now();
        if (item.type === "request") {
          this.learn(item.request);
          for (const tell of this.#told.get(item.request.id) ?? []) tell();
        }
        if (item.type === "policy") this.#publish({ policy: item.policy });
        if (item.type === "open") {
          reconciled = this.#reconcile(alive).then(
            () => this.#live(),
            (error) => {
              failed = error;
              connection.abort();
            },
          );
        }
      }
    } catch (error) {
      throw failed ?? error;
    } finally {
      connection.abort();
      await Promise.all([reconciled, watch]);
    }
  }

  async #watchSilence(lastHeardMs: () => number, connection: AbortController, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#timing.sleep(silentMs / 3, signal);
      if (this.#timing.now() - lastHeardMs() > silentMs) connection.abort();
    }
  }

  /** Reads the whole list of unfinished requests and forgets those that are not in it: they ended in a gap. */
  async #reconcile(signal: AbortSignal): Promise<void> {
    const before = new Map(this.#requests);
    const listed = new Set<string>();
    let pageToken = "";
    do {
      const page = await this.#source.list({ states: unfinished, pageSize: 200, pageToken }, signal);
      for (const request of page.requests) {
        listed.add(request.id);
        this.learn(request);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    for (const [id, request] of before) {
      if (isUnfinished(request) && !listed.has(id) && this.#requests.get(id) === request) this.#requests.delete(id);
    }
    this.#publish({ loaded: true });
  }

  #live(): void {
    this.#attempt = 0;
    this.#connection({ state: "live" });
  }

  #connection(connection: Connection): void {
    this.#publish({ connection });
  }

  #publishSoon(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    setTimeout(() => {
      this.#publishing = false;
      this.#publish({});
    }, 30);
  }

  #publish(change: Partial<FeedSnapshot>): void {
    const ended = [...this.#requests.values()]
      .filter((request) => !isUnfinished(request))
      .sort((a, b) => b.changedMs - a.changedMs);
    for (const request of ended.slice(keepEnded)) this.#requests.delete(request.id);
    this.#snapshot = { ...this.#snapshot, ...change, requests: new Map(this.#requests) };
    for (const listener of this.#listeners) listener();
  }
}

function isUnfinished(request: Summary): boolean {
  const states: readonly State[] = unfinished;
  return states.includes(request.state);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
