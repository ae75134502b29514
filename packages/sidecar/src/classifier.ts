import { Worker } from "node:worker_threads";
import {
  type ClassifyOptions,
  CountersignError,
  classify,
  type ErrorCode,
  type Facts,
  isPrompt,
  type Operation,
  type PostgresFacts,
  type PostgresQuery,
  rememberFacts,
} from "@countersign/policy";

/** What the thread is asked. */
export interface Task {
  readonly operation: PostgresQuery;
  readonly options: ClassifyOptions;
}

/** What it answers. */
export type Answer =
  | { readonly facts: PostgresFacts }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } };

interface Waiting extends Task {
  readonly resolve: (facts: PostgresFacts) => void;
  readonly reject: (error: CountersignError) => void;
}

/** More than these waiting are refused: each may take seconds, and the callers behind them would time out anyhow. */
const mostWaiting = 32;
/** What takes longer is refused. A mebibyte of the worst SQL takes two seconds. */
const mostMs = 15_000;

/**
 * Classifies operations. Small ones at once, in the caller's turn; large ones on a thread of their own, one after the other, so that no
 * input holds up everybody else's calls.
 */
export class Classifier implements AsyncDisposable {
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * What an operation does. A promise for a large one.
   *
   * @throws {CountersignError} as `classify`; `too_many_requests` when too many large ones wait already.
   */
  classify(operation: Operation, options: ClassifyOptions): Facts | Promise<Facts> {
    // Every other protocol's operations are capped so that they are always read promptly.
    const now = operation.kind !== "postgres.query" || isPrompt(operation, options);
    return now ? classify(operation, options) : this.#later({ operation, options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const gone = new CountersignError("shutting_down", "The sidecar is shutting down; nothing was run.", { retryable: true });
    await this.#stopWorker(gone);
  }

  #later(task: Task): Promise<PostgresFacts> {
    if (this.#closed)
      throw new CountersignError("shutting_down", "The sidecar is shutting down; nothing was run.", { retryable: true });
    if (this.#waiting.length >= mostWaiting) {
      throw new CountersignError("too_many_requests", "Too many large operations are waiting to be read; try again later.", {
        retryable: true,
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<PostgresFacts>();
    this.#waiting.push({ ...task, resolve, reject });
    if (this.#waiting.length === 1) this.#next();
    return promise;
  }

  #next(): void {
    const [task] = this.#waiting;
    if (task === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    this.#timer = setTimeout(() => {
      const seconds = mostMs / 1000;
      const message = `The operation takes longer than ${seconds} s to read. Make it smaller, or pass data as parameters.`;
      this.#fail(worker, new CountersignError("operation_too_large", message));
    }, mostMs);
    worker.postMessage({ operation: task.operation, options: task.options } satisfies Task);
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith(".ts");
    const file = new URL(isSource ? "./classify-worker.ts" : "./classify-worker.js", import.meta.url);
    const worker = new Worker(file, isSource ? { execArgv: ["--conditions=source", "--no-warnings"] } : {});
    worker.on("message", (answer: Answer) => {
      if (worker === this.#worker) this.#settle(answer);
    });
    worker.on("error", (cause) => {
      this.#fail(worker, new CountersignError("internal", "The operation could not be read, so it is not run.", { cause }));
    });
    return worker;
  }

  #settle(answer: Answer): void {
    clearTimeout(this.#timer);
    const task = this.#waiting.shift();
    if ("facts" in answer) task?.resolve(rememberFacts(task.operation, task.options, answer.facts));
    else task?.reject(new CountersignError(answer.failure.code, answer.failure.message));
    this.#next();
  }

  /** The thread is of no use any more: what it was at is refused, the next task gets a new one. */
  #fail(worker: Worker, error: CountersignError): void {
    if (worker !== this.#worker) return;
    clearTimeout(this.#timer);
    this.#worker = undefined;
    void worker.terminate();
    this.#waiting.shift()?.reject(error);
    this.#next();
  }

  async #stopWorker(error: CountersignError): Promise<void> {
    clearTimeout(this.#timer);
    for (const task of this.#waiting.splice(0)) task.reject(error);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
