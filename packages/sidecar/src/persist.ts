import { setTimeout as sleep } from "node:timers/promises";

const firstWaitMs = 200;
const longestWaitMs = 5_000;

/**
 * Work that must be written down but could not be yet, e.g. an outcome while the disk was full. Tried again, ever more slowly, until it is
 * done or the sidecar stops; after a restart recovery finds the same doubt in the log.
 */
export class Persistence implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<void>>();

  /** Tries now; when that fails, goes on in the background. Resolves after the first try. */
  async attempt(task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch {
      const background = this.#retry(task).finally(() => this.#tasks.delete(background));
      this.#tasks.add(background);
    }
  }

  async #retry(task: () => Promise<unknown>): Promise<void> {
    for (let waitMs = firstWaitMs; !this.#stop.signal.aborted; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        await sleep(waitMs, undefined, { signal: this.#stop.signal, ref: false });
        await task();
        return;
      } catch {
        // The next round says whether it works again.
      }
    }
  }

  /** Stops trying. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }
}
