import { Results, ResultWriter } from "../../packages/sidecar/src/results.ts";

/** Keeps no result: what a statement gives takes no part in whether it may run. */
export class NoResults extends Results {
  readonly #now: () => number;

  constructor(now: () => number) {
    super(options(now));
    this.#now = now;
  }

  override create(id: string): ResultWriter {
    return new NoResult(id, this.#now);
  }
}

class NoResult extends ResultWriter {
  constructor(id: string, now: () => number) {
    super("/dev/null", id, options(now));
  }

  override async add(): Promise<void> {}

  override async finish(): Promise<void> {}
}

function options(now: () => number) {
  return { folder: "/dev/null", key: Buffer.alloc(32), capBytes: 1, keepMs: 1, now };
}
