import { setTimeout as sleep } from "node:timers/promises";
import {
  type Digest,
  loadReading,
  type Policy,
  PolicyError,
  type PolicyReading,
  type PolicyStatus,
  type PolicyStatusFeed,
  type Problem,
  type PublicPolicy,
  type ReadPolicy,
  type ReadyPolicy,
} from "@countersign/policy";
import { isSameTrace, traceFiles } from "./file-trace.ts";
import { FileWatch } from "./file-watch.ts";

/** What a policy source needs. */
export interface PolicySourceParts {
  readonly read: ReadPolicy;
  /**
   * Makes a change durable in the audit log. Called before the policy is taken into use: what cannot be recorded is not.
   *
   * @throws whatever keeps it from being recorded.
   */
  readonly record: (next: ReadyPolicy, previous: Digest) => Promise<void>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly onInternalError: (error: unknown) => void;
  /** Shorter times, for tests. */
  readonly times?: Partial<Record<keyof typeof defaultTimes, number>>;
}

/** Milliseconds. */
const defaultTimes = {
  /** For so long nothing may change before the files are read: who writes one in place is then through with it. */
  quiet: 120,
  /** Where no change is told, the files are looked at so often. */
  poll: 2_000,
  /** What failed is tried again so often: the audit log could not be written, a bundle was not valid yet. */
  retry: 30_000,
  /** Files that change for longer without a pause are a failure. */
  restless: 5_000,
} as const;

/**
 * The policy as its files say it, while they change. A good one is recorded and then taken into use in one assignment, between two decisions;
 * what is bad leaves the last good one in force and is told of. Nobody who decides waits for any of it.
 */
export class PolicySource implements PolicyStatusFeed, AsyncDisposable {
  readonly #parts: PolicySourceParts;
  readonly #times: Readonly<Record<keyof typeof defaultTimes, number>>;
  readonly #watch = new FileWatch(() => this.#noticed());
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #loop: Promise<void>;
  #inForce: ReadyPolicy & { readonly sinceMs: number };
  #failure: (PolicyStatus["failure"] & { readonly triedMs: number }) | undefined;
  #paths: readonly string[];
  /** The state of the files that was dealt with last. */
  #seen: ReadonlyMap<string, string> | undefined;
  #told = "";
  #changes = 0;
  #wake = Promise.withResolvers<void>();

  /** @param first what was read and loaded at the start. */
  constructor(first: { readonly reading: PolicyReading; readonly ready: ReadyPolicy }, parts: PolicySourceParts) {
    this.#parts = parts;
    this.#times = { ...defaultTimes, ...parts.times };
    this.#inForce = { ...first.ready, sinceMs: parts.now() };
    this.#paths = first.reading.paths;
    this.#loop = this.#run();
  }

  /** The policy in force. */
  get policy(): Policy {
    return this.#inForce.policy;
  }

  /** What agents may see of it. */
  get shown(): PublicPolicy {
    return this.#inForce.shown;
  }

  get status(): PolicyStatus {
    const { policy, sinceMs, warnings, bundle } = this.#inForce;
    const failure = this.#failure && { sinceMs: this.#failure.sinceMs, problems: this.#failure.problems };
    return {
      digest: policy.digest,
      ...(bundle && { version: bundle.version }),
      ...{ sinceMs, rules: policy.rules.length, warnings },
      ...(failure && { failure }),
    };
  }

  async *follow(signal: AbortSignal): AsyncGenerator<PolicyStatus> {
    const ended = AbortSignal.any([signal, this.#stop.signal]);
    let news = Promise.withResolvers<void>();
    const listener = () => news.resolve();
    this.#listeners.add(listener);
    ended.addEventListener("abort", listener, { once: true });
    try {
      while (!ended.aborted) {
        news = Promise.withResolvers();
        yield this.status;
        if (!ended.aborted) await news.promise;
      }
    } finally {
      this.#listeners.delete(listener);
      ended.removeEventListener("abort", listener);
    }
  }

  /** Reads the files again, whether or not they seem to have changed. */
  reload(): void {
    this.#seen = undefined;
    this.#noticed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    this.#watch[Symbol.dispose]();
  }

  #noticed(): void {
    this.#changes++;
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        const trace = await traceFiles(this.#paths);
        this.#watch.follow(trace.keys());
        if (this.#seen === undefined || !isSameTrace(trace, this.#seen) || this.#isDue()) await this.#readAgain();
      } catch (error) {
        if (!signal.aborted) this.#parts.onInternalError(error);
      }
      await this.#nextLook();
    }
  }

  /** Waits until a change is told, or it is time to look. */
  async #nextLook(): Promise<void> {
    const told = new AbortController();
    const signal = AbortSignal.any([told.signal, this.#stop.signal]);
    const timer = sleep(this.#times.poll, undefined, { signal, ref: false }).catch(() => {});
    await Promise.race([this.#wake.promise, timer]);
    told.abort();
  }

  /** Whether time alone may have changed what the files are worth. */
  #isDue(): boolean {
    const nowMs = this.#parts.now();
    if (this.#failure !== undefined) return nowMs - this.#failure.triedMs >= this.#times.retry;
    const expiresMs = this.#inForce.bundle?.expiresMs;
    return expiresMs !== undefined && expiresMs <= nowMs;
  }

  async #readAgain(): Promise<void> {
    const sinceMs = performance.now();
    for (;;) {
      const reading = await this.#readQuiet();
      if (reading !== undefined) return await this.#takeIn(reading);
      if (performance.now() - sinceMs > this.#times.restless)
        this.#fail("its files keep changing; write them once, or put whole files in their place");
    }
  }

  /** What the files say, when none of them (nor what leads to them) changed before, between and after the reading: never half of each. */
  async #readQuiet(): Promise<PolicyReading | undefined> {
    const changes = this.#changes;
    const paths = this.#paths;
    const before = await traceFiles(paths);
    this.#watch.follow(before.keys());
    const isQuiet = async () => this.#changes === changes && isSameTrace(before, await traceFiles(paths));
    await sleep(this.#times.quiet, undefined, { signal: this.#stop.signal });
    if (!(await isQuiet())) return undefined;
    const reading = await this.#read();
    this.#paths = reading.paths;
    // A file that is new among them has to be quiet as well.
    const isKnown = reading.paths.length === paths.length && reading.paths.every((path) => paths.includes(path));
    if (!isKnown || !(await isQuiet())) return undefined;
    this.#seen = before;
    return reading;
  }

  async #read(): Promise<PolicyReading> {
    const { policy, bundle } = this.#inForce;
    try {
      return await this.#parts.read(bundle && { version: bundle.version, digest: policy.digest });
    } catch (error) {
      this.#fail("it cannot be read because of an internal error");
      throw error;
    }
  }

  async #takeIn(reading: PolicyReading): Promise<void> {
    const { policy: previous, sinceMs } = this.#inForce;
    let ready: ReadyPolicy;
    try {
      ready = await loadReading(reading);
    } catch (error) {
      if (error instanceof PolicyError) return this.#fail(error.problems);
      this.#fail("it cannot be loaded because of an internal error");
      throw error;
    }
    if (ready.policy.digest === previous.digest && ready.bundle?.version === this.#inForce.bundle?.version) {
      // The same rules: what it remembers of decisions stays of use.
      this.#inForce = { ...ready, policy: previous, shown: this.#inForce.shown, sinceMs };
    } else {
      try {
        await this.#parts.record(ready, previous.digest);
      } catch (error) {
        this.#fail("the change cannot be recorded in the audit log");
        throw error;
      }
      this.#inForce = { ...ready, sinceMs: this.#parts.now() };
    }
    this.#failure = undefined;
    this.#publish();
  }

  #fail(why: string | readonly Problem[]): void {
    const file = this.#paths[0] ?? "(policy)";
    const problems =
      typeof why === "string" ? [{ file, line: 1, column: 1, message: `the policy is not taken into use: ${why}` }] : why;
    const nowMs = this.#parts.now();
    this.#failure = { problems, sinceMs: this.#failure?.sinceMs ?? nowMs, triedMs: nowMs };
    this.#publish();
  }

  #publish(): void {
    const told = JSON.stringify(this.status);
    if (told === this.#told) return;
    this.#told = told;
    for (const listener of this.#listeners) listener();
  }
}
