import { setTimeout as sleep } from "node:timers/promises";

const firstWaitMs = 200;
const longestWaitMs = 5_000;

/** A part of what must be written down; the signal ends it when the sidecar stops. */
type Step = (signal: AbortSignal) => Promise<unknown>;

/**
 * Work that must be written down but could not be yet, e.g. an outcome while the disk was full. Tried again, ever more slowly, until it is
 * done or the sidecar stops; after a restart recovery finds the same doubt in the log.
 */
export class Persistence implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<void>>();

  /**
   * Takes the steps in order, now; when one fails, goes on from there in the background. A step that is done is never done again. Resolves after
   * the first try.
   */
  async attempt(...steps: readonly Step[]): Promise<void> {
    const left = [...steps];
    try {
      await this.#own(this.#advance(left));
    } catch {
      void this.#own(this.#retry(left));
    }
  }

  async #advance(left: Step[]): Promise<void> {
    for (let step = left[0]; step !== undefined; step = left[0]) {
      await step(this.#stop.signal);
      left.shift();
    }
  }

  async #retry(left: Step[]): Promise<void> {
    for (let waitMs = firstWaitMs; !this.#stop.signal.aborted; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        await sleep(waitMs, undefined, { signal: this.#stop.signal, ref: false });
        await this.#advance(left);
        return;
      } catch {
        // The next round says whether it works again.
      }
    }
  }

  #own(work: Promise<void>): Promise<void> {
    const task: Promise<void> = work.finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
    return task;
  }

  /** Stops trying. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#tasks);
  }
}
