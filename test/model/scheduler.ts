import { AsyncLocalStorage } from "node:async_hooks";
import { hash } from "node:crypto";

const actors = new AsyncLocalStorage<string>();

/** One of the ways in which a step may turn out. */
export interface Way {
  readonly name: string;
  /** Gives what the waiting code is answered; a throw refuses it. */
  readonly work: () => unknown;
}

/** Something that was asked for and has not been done. */
export interface Waiting {
  readonly actor: string;
  readonly name: string;
  /** What may happen now; empty = it has to wait. */
  readonly ways: () => readonly Way[];
  readonly settle: (way: Way) => void;
}

/**
 * Decides when whatever the code waits for happens. Everything between two waits runs in one go, as in a process: so an order of these steps is
 * all that there is to a run.
 */
export class Scheduler {
  readonly #histories = new Map<string, string>();
  #waiting: Waiting[] = [];
  /** Added to what an actor has seen: the time and whatever else it may look at in memory while it goes on. */
  observe: () => string = () => "";
  /** While true everything happens at once: a start that nothing comes in between. */
  atOnce = false;

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** Who is at work; undefined outside every actor. */
  get actor(): string {
    return actors.getStore() ?? "the explorer";
  }

  /** Does work in the name of an actor. */
  as<Result>(actor: string, work: () => Result): Result {
    return actors.run(actor, work);
  }

  /** Waits until the explorer lets it happen, in one of its ways. */
  step<Result>(name: string, work: () => Result, others: () => readonly Way[] = () => []): Promise<Result> {
    return this.choose<Result>(name, () => [{ name, work }, ...others()]);
  }

  choose<Result>(name: string, ways: () => readonly Way[]): Promise<Result> {
    const { actor } = this;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const settle = (way: Way): void => {
      let seen: string;
      try {
        // The explorer's own code: what a way gives is what was asked for.
        const result = this.as(actor, way.work) as Result;
        seen = text(result);
        resolve(result);
      } catch (error) {
        seen = String(error);
        reject(error);
      }
      this.#note(actor, `${way.name}=${seen}`);
    };
    const [only] = this.atOnce ? ways() : [];
    if (only === undefined) this.#waiting.push({ actor, name, ways, settle });
    else settle(only);
    return promise;
  }

  /** Lets one thing happen, and everything that follows from it up to the next waits. */
  async take(waiting: Waiting, way: Way): Promise<void> {
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    waiting.settle(way);
    await settled();
  }

  /** Whoever is at work looked at something that may change. */
  saw(what: string): void {
    const actor = actors.getStore();
    if (actor !== undefined) this.#note(actor, what);
  }

  #note(actor: string, what: string): void {
    this.#histories.set(actor, digest(`${this.#histories.get(actor) ?? ""}\n${what}\n${this.observe()}`));
  }

  /** An actor has come to an end: only what it left behind matters from now on. */
  forget(actor: string, rest: string): void {
    this.#histories.set(actor, rest);
  }

  /** The process dies: what it waited for never comes. */
  lose(): void {
    this.#waiting = [];
    this.#histories.clear();
  }

  /**
   * All that makes a difference to what may come: what is waited for, and what everybody has seen. Code that has been answered the same goes
   * on in the same way.
   */
  fingerprint(): string {
    const waiting = this.#waiting.map(({ actor, name }) => `${actor}:${name}`);
    const seen = [...this.#histories].sort(([a], [b]) => (a < b ? -1 : 1)).map(([actor, history]) => `${actor}\n${history}`);
    return `${waiting.join("|")}\n${seen.join("\n")}`;
  }
}

/** Resolves once nothing more happens by itself. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const texts = new WeakMap<object, string>();

/** What was given, in short. What stores give is never changed in place, so it is looked at once. */
export function text(value: unknown): string {
  if (value === undefined) return "-";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(text).join(",");
  const known = texts.get(value) ?? digest(JSON.stringify(value, (key, one) => (key === "signature" ? undefined : one)));
  texts.set(value, known);
  return known;
}

/** A short text that stands for a long one. */
export function digest(long: string): string {
  return hash("sha1", long, "base64");
}
