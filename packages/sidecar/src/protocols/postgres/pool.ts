import { CountersignError } from "@countersign/policy";
import type { Session } from "./session.ts";
import { noSettings, type Settings } from "./settings.ts";

/** How many connections one role may have, and for how long. */
export interface PoolOptions {
  readonly max: number;
  /** An unused connection is closed after this time. */
  readonly idleMs: number;
  /** A connection is not used again after this time, so that changed passwords, roles and addresses are taken up. */
  readonly lifetimeMs: number;
  /** Longest wait for a free connection, and longest time to open one. */
  readonly connectTimeoutMs: number;
}

/** What a connection is good for after its use. */
export type Afterwards = "keep" | "reset" | "end";

interface Waiter {
  readonly settings: Settings;
  /** Whether a connection is being opened for it. */
  opening: boolean;
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/** The connections of one role. Whoever waits longest is served first. A connection serves only those who ask for the settings that it has. */
export class Pool {
  readonly #open: (settings: Settings) => Promise<Session>;
  readonly #options: PoolOptions;
  readonly #now: () => number;
  readonly #name: string;
  /** The most recently used is last, and used first: the others may grow old. */
  readonly #idle: { readonly session: Session; readonly sinceMs: number }[] = [];
  readonly #waiters: Waiter[] = [];
  /** Idle, in use, or being opened. */
  #count = 0;
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** `name` stands in errors; `open` gives a checked session or throws a CountersignError. */
  constructor(name: string, options: PoolOptions, open: (settings: Settings) => Promise<Session>, now: () => number) {
    this.#name = name;
    this.#options = options;
    this.#open = open;
    this.#now = now;
  }

  /**
   * Gives a connection, which must be released.
   *
   * @throws {CountersignError} `target_unavailable` (also when all are busy for too long), `target_credentials`, `cancelled`, `shutting_down`.
   */
  async acquire(signal: AbortSignal, settings: Settings = noSettings): Promise<Session> {
    if (this.#closed) throw new CountersignError("shutting_down", "The sidecar is shutting down.", { retryable: true });
    if (signal.aborted) throw cancelled();
    const session = this.#takeIdle(settings);
    if (session) return session;
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    const waiter: Waiter = { settings, opening: false, resolve, reject };
    this.#waiters.push(waiter);
    const leave = (error: CountersignError) => {
      this.#leave(waiter);
      reject(error);
    };
    const onAbort = () => leave(cancelled());
    // A little longer than connecting may take, so that a dead address is reported as such.
    const timer = setTimeout(() => leave(this.#busy()), this.#options.connectTimeoutMs + 500);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#grow();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Takes a connection back. Cleaning goes on by itself; the caller does not wait for it. */
  release(session: Session, afterwards: Afterwards): void {
    if (afterwards === "reset" && session.upstream.trusted) {
      // One that does not answer is nobody's any more.
      const late = setTimeout(() => session.upstream.destroy(), this.#options.connectTimeoutMs);
      session
        .reset()
        .finally(() => clearTimeout(late))
        .then(
          () => this.#offer(session),
          () => this.#drop(session),
        );
    } else if (afterwards === "keep" && session.upstream.trusted && session.upstream.status === "I") {
      this.#offer(session);
    } else {
      this.#drop(session);
      // The next one should not have to wait for a connection either.
      if (this.#idle.length === 0) this.#spare(session.settings);
    }
  }

  /** Ends idle connections and refuses new callers; those in use end when they are released. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#sweep);
    for (const { session } of this.#idle.splice(0)) session.upstream.end();
    for (const { reject } of this.#waiters.splice(0)) {
      reject(new CountersignError("shutting_down", "The sidecar is shutting down.", { retryable: true }));
    }
  }

  #takeIdle({ key }: Settings): Session | undefined {
    for (let place = this.#idle.length - 1; place >= 0; place--) {
      const session = this.#idle[place]?.session;
      if (session?.settings.key !== key) continue;
      this.#idle.splice(place, 1);
      if (session.upstream.trusted && !this.#isOld(session)) return session;
      this.#end(session);
    }
    return undefined;
  }

  #offer(session: Session): void {
    if (this.#closed || !session.upstream.trusted || this.#isOld(session)) {
      this.#drop(session);
      return;
    }
    // First those for whom nothing is on its way.
    const next = this.#waiters.find(({ opening }) => !opening);
    if (next && next.settings.key !== session.settings.key) {
      this.#drop(session);
      return;
    }
    const waiter = next ?? this.#waiters.find(({ settings }) => settings.key === session.settings.key);
    if (waiter) {
      this.#leave(waiter);
      waiter.resolve(session);
      return;
    }
    this.#idle.push({ session, sinceMs: this.#now() });
    this.#scheduleSweep();
  }

  #drop(session: Session): void {
    this.#end(session);
    this.#grow();
  }

  #end(session: Session): void {
    this.#count--;
    if (session.upstream.trusted) session.upstream.end();
    else session.upstream.destroy();
  }

  /** Opens a connection for whoever waits longest and has none on its way. */
  #grow(): void {
    const waiter = this.#waiters.find(({ opening }) => !opening);
    if (!waiter) return;
    // An idle one of other settings makes room.
    const unused = this.#count < this.#options.max ? undefined : this.#idle.shift();
    if (unused) this.#end(unused.session);
    if (this.#count < this.#options.max) void this.#openOne(waiter.settings, waiter);
  }

  #spare(settings: Settings): void {
    if (!this.#closed && this.#count < this.#options.max) void this.#openOne(settings);
  }

  #leave(waiter: Waiter): void {
    const place = this.#waiters.indexOf(waiter);
    if (place !== -1) this.#waiters.splice(place, 1);
  }

  async #openOne(settings: Settings, opener?: Waiter): Promise<void> {
    this.#count++;
    if (opener) opener.opening = true;
    try {
      const session = await this.#open(settings);
      // A broken idle connection leaves by itself.
      void session.upstream.whenClosed.then(() => this.#removeIdle(session));
      // A new connection serves once, however short the lifetime.
      const waiter = this.#closed ? undefined : this.#waiters.find((one) => one.settings.key === settings.key);
      if (!waiter) return this.#offer(session);
      this.#leave(waiter);
      // Whoever waits longer is served first, and gives what is on its way to the other.
      if (opener) opener.opening = waiter.opening && waiter !== opener;
      waiter.resolve(session);
    } catch (error) {
      this.#count--;
      if (opener) this.#leave(opener);
      opener?.reject(error);
      this.#grow();
    }
  }

  #removeIdle(session: Session): void {
    const place = this.#idle.findIndex((entry) => entry.session === session);
    if (place === -1) return;
    this.#idle.splice(place, 1);
    this.#end(session);
  }

  #isOld(session: Session): boolean {
    return this.#now() - session.openedMs > this.#options.lifetimeMs;
  }

  #scheduleSweep(): void {
    this.#sweep ??= setTimeout(
      () => {
        this.#sweep = undefined;
        this.#removeUnused();
        if (this.#idle.length > 0) this.#scheduleSweep();
      },
      Math.min(this.#options.idleMs, 10_000),
    ).unref();
  }

  #removeUnused(): void {
    const now = this.#now();
    const keep = this.#idle.filter(({ session, sinceMs }) => now - sinceMs < this.#options.idleMs && !this.#isOld(session));
    const drop = this.#idle.filter((entry) => !keep.includes(entry));
    this.#idle.splice(0, this.#idle.length, ...keep);
    for (const { session } of drop) this.#end(session);
  }

  #busy(): CountersignError {
    const { max, connectTimeoutMs } = this.#options;
    const message = `${this.#name}: no connection became free in ${connectTimeoutMs} ms (pool.max is ${max}). Try again, or raise pool.max.`;
    return new CountersignError("target_unavailable", message, { retryable: true });
  }
}

function cancelled(): CountersignError {
  return new CountersignError("cancelled", "Cancelled before it was sent to the target; nothing ran.");
}
