/** What fills a {@link PullStream}. */
export interface Source {
  pause(): void;
  resume(): void;
  stop(): void;
}

type Batch<T> = () => readonly T[];

/** Batches that may wait undecoded before the source is paused. */
const highWater = 4;

/**
 * An async iterator over what a source pushes, with backpressure: the source is paused while the consumer is slower, and stopped when the
 * consumer leaves. Nothing starts before the first item is asked for.
 */
export class PullStream<T extends object> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  readonly #start: (stream: PullStream<T>) => Source;
  readonly #batches: Batch<T>[] = [];
  #source: Source | undefined;
  #items: readonly T[] = [];
  #index = 0;
  #paused = false;
  #waiting: PromiseWithResolvers<void> | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(start: (stream: PullStream<T>) => Source) {
    this.#start = start;
  }

  /** Adds items; they are made when they are asked for. */
  push(batch: Batch<T>): void {
    this.#batches.push(batch);
    if (this.#batches.length >= highWater && !this.#paused) {
      this.#paused = true;
      this.#source?.pause();
    }
    this.#wake();
  }

  /** Nothing more comes; what was pushed is still given. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#wake();
  }

  // Not async: a promise per item is what a large result's speed is made of.
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items[this.#index];
    if (item === undefined) return this.#pull();
    this.#index++;
    return Promise.resolve({ value: item, done: false });
  }

  /** Leaves early. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end = {};
    this.#batches.length = 0;
    this.#items = [];
    this.#source?.stop();
    this.#wake();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #pull(): Promise<IteratorResult<T, undefined>> {
    if (this.#end === undefined) this.#source ??= this.#start(this);
    for (;;) {
      const item = this.#items[this.#index++];
      if (item !== undefined) return { value: item, done: false };
      const batch = this.#batches.shift();
      if (batch !== undefined) this.#load(batch);
      else if (this.#end !== undefined) return this.#finish(this.#end);
      else {
        this.#waiting ??= Promise.withResolvers();
        await this.#waiting.promise;
      }
    }
  }

  #load(batch: Batch<T>): void {
    try {
      this.#items = batch();
      this.#index = 0;
    } catch (error) {
      this.#source?.stop();
      this.#batches.length = 0;
      this.#end = { error };
    }
    if (this.#paused && this.#batches.length < highWater / 2) {
      this.#paused = false;
      this.#source?.resume();
    }
  }

  #finish(end: { readonly error?: unknown }): IteratorResult<T, undefined> {
    // An error is told once; after it the iterator has ended, as a generator would have.
    this.#end = {};
    if ("error" in end) throw end.error;
    return { value: undefined, done: true };
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
