import { CountersignError } from "@countersign/policy";
import type { Transport } from "./transport.ts";

/** How many connections one role may have, and for how long. */
export interface PoolOptions {
  readonly max: number;
  /** Commands at the same time on one connection; 1 where a connection serves one command only. */
  readonly sessions: number;
  /** Whether a connection serves another command after the first: not where its certificate is for one command. */
  readonly isReused: boolean;
  readonly idleMs: number;
  readonly lifetimeMs: number;
  /** Longest wait for a free connection. */
  readonly connectTimeoutMs: number;
}

/**
 * How long a connection on which nobody has logged in waits for the next command, milliseconds. Well below sshd's LoginGraceTime, and so rarely given
 * up that sshd's PerSourcePenalties for clients that do not log in are never reached.
 */
const spareMs = 10_000;

interface Entry {
  readonly transport: Transport;
  readonly openedMs: number;
  users: number;
  /** Nobody else gets it. */
  isSpent: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** A place on a connection; it must be given back. */
export interface Lease {
  readonly transport: Transport;
  /** @param healthy `false` when something of it may still run, or its state is in doubt: nobody else gets it. */
  giveBack(healthy: boolean): void;
}

/** The connections of one role. Whoever waits longest is served first. */
export class Pool {
  readonly #name: string;
  readonly #options: PoolOptions;
  readonly #open: (signal: AbortSignal) => Promise<Transport>;
  readonly #now: () => number;
  readonly #entries = new Set<Entry>();
  readonly #waiters: (() => void)[] = [];
  #opening = 0;
  #closed = false;

  /** `open` gives a connection on which commands can be sent, or throws a CountersignError. */
  constructor(name: string, options: PoolOptions, open: (signal: AbortSignal) => Promise<Transport>, now: () => number) {
    this.#name = name;
    this.#options = options;
    this.#open = open;
    this.#now = now;
  }

  /** @throws {CountersignError} `target_unavailable` (also when all are busy for too long), `target_credentials`, `cancelled`, `shutting_down`. */
  async acquire(signal: AbortSignal): Promise<Lease> {
    const untilMs = this.#now() + this.#options.connectTimeoutMs + 500;
    for (;;) {
      if (this.#closed) throw new CountersignError("shutting_down", "The sidecar is shutting down.", { retryable: true });
      if (signal.aborted) throw new CountersignError("cancelled", "Cancelled before it was sent to the target; nothing ran.");
      const free = this.#free();
      if (free !== undefined) {
        free.users++;
        return this.#lease(free);
      }
      if (this.#entries.size + this.#opening < this.#options.max) return this.#lease(await this.#grow(signal, 1));
      await this.#turn(untilMs - this.#now(), signal);
    }
  }

  /** Ends what is idle; what is in use ends when it is given back. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries) if (entry.users === 0) this.#end(entry);
    this.#wake();
  }

  #free(): Entry | undefined {
    const most = this.#options.isReused ? this.#options.sessions : 1;
    for (const entry of this.#entries) {
      if (!this.#isGood(entry)) {
        if (entry.users === 0) this.#end(entry);
      } else if (entry.users < most) return entry;
    }
    return undefined;
  }

  #isGood({ transport, openedMs, isSpent }: Entry): boolean {
    return !isSpent && transport.isOpen && this.#now() - openedMs < this.#options.lifetimeMs;
  }

  /** With its first user already counted, so that nobody else takes it in between. */
  async #grow(signal: AbortSignal, users: 0 | 1): Promise<Entry> {
    this.#opening++;
    try {
      const entry: Entry = {
        transport: await this.#open(signal),
        openedMs: this.#now(),
        users,
        isSpent: false,
        idle: undefined,
      };
      this.#entries.add(entry);
      return entry;
    } finally {
      this.#opening--;
      this.#wake();
    }
  }

  #lease(entry: Entry): Lease {
    clearTimeout(entry.idle);
    let given = false;
    const giveBack = (healthy: boolean) => {
      if (given) return;
      given = true;
      entry.users--;
      this.#returned(entry, healthy);
      this.#wake();
    };
    if (!this.#options.isReused) void this.#prepareSpare();
    return { transport: entry.transport, giveBack };
  }

  /** Where a connection serves one command only, the next one's is opened while this one runs: commands seldom come alone. */
  async #prepareSpare(): Promise<void> {
    const hasSpare = this.#opening > 0 || [...this.#entries].some(({ users }) => users === 0);
    if (this.#closed || hasSpare || this.#entries.size >= this.#options.max) return;
    try {
      const entry = await this.#grow(new AbortController().signal, 0);
      if (entry.users > 0) return;
      if (this.#closed) this.#end(entry);
      else entry.idle = setTimeout(() => this.#end(entry), spareMs).unref();
    } catch {
      // Whoever needs one opens it, and is told why it cannot be.
    }
  }

  #returned(entry: Entry, healthy: boolean): void {
    const { isReused, idleMs } = this.#options;
    entry.isSpent ||= !healthy || !isReused || this.#closed;
    if (entry.users > 0) return;
    if (!this.#isGood(entry)) {
      this.#end(entry);
      return;
    }
    entry.idle = setTimeout(() => this.#end(entry), idleMs);
    entry.idle.unref();
  }

  #end(entry: Entry): void {
    clearTimeout(entry.idle);
    this.#entries.delete(entry);
    entry.transport.end();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  async #turn(patienceMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        resolve();
      },
      Math.max(patienceMs, 0),
    );
    this.#waiters.push(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    if (late) {
      const message = `All ${this.#options.max} connections to ${this.#name} are busy. Try again later, or raise connections.max.`;
      throw new CountersignError("target_unavailable", message, { retryable: true });
    }
  }
}
