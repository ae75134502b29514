import { CountersignError, type Json, type Outcome } from "@countersign/policy";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import type { Scheduler, Way } from "./scheduler.ts";

/** What became of a statement at the target. */
interface Transaction {
  readonly sidecar: string;
  /** Which request it was sent for; absent = it was not sent. */
  request?: string;
  state: "open" | "committed" | "rolled back";
}

const figures = { rows: 0, bytes: 0, durationMs: 0 };
const succeeded: Outcome = { state: "succeeded", ...figures };
const failed = (message: string): Outcome => ({
  state: "failed",
  failure: { code: "target_error", message, retryable: false },
  ...figures,
});
const lost: Outcome = {
  state: "unknown",
  failure: { code: "unknown_outcome", message: "The connection was lost.", retryable: false },
  ...figures,
};

/** A database that runs statements and remembers what became of each, as PostgreSQL does. */
export class ModelTarget {
  readonly transactions: Transaction[] = [];
  readonly #scheduler: Scheduler;
  readonly #faults: (name: string, work: () => unknown) => readonly Way[];
  /** Told in the very turn in which a statement is sent. */
  readonly #onSent: (request: string) => void;

  constructor(
    scheduler: Scheduler,
    faults: (name: string, work: () => unknown) => readonly Way[],
    onSent: (request: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#onSent = onSent;
  }

  /** Which requests have reached it, and what became of each. */
  sent(): readonly Transaction[] {
    return this.transactions.filter(({ request }) => request !== undefined);
  }

  /** Whether a statement goes on of which the sender is gone. */
  orphan(): Transaction | undefined {
    return this.transactions.find((one) => one.request !== undefined && one.state === "open" && !this.#isWaitedFor(one));
  }

  /** @param intended The request whose intent was recorded in this very turn. */
  connector(sidecar: string, intended: () => string): Connector {
    return {
      target: (role) => ({ type: "postgres", address: "model", user: role }),
      accept: () => {},
      dispatch: (_operation, _role, _limits, { signal }) => {
        const transaction: Transaction = { sidecar, state: "open" };
        return {
          prepare: () =>
            this.#scheduler.step("is given a connection", () => ({ transaction: this.transactions.push(transaction) - 1 })),
          run: () => {
            transaction.request = intended();
            this.#onSent(transaction.request);
            return this.#run(transaction, signal);
          },
          close: async () => {},
        };
      },
      resolve: (marker) => this.#scheduler.step("asks the target", () => this.#tell(marker)),
      close: async () => {},
    };
  }

  /** The process that waited for them is gone. What had not been sent never is. */
  abandon(): void {
    for (const one of this.transactions) if (one.request === undefined) one.state = "rolled back";
    this.#waited.clear();
  }

  fingerprint(): string {
    return this.transactions.map(({ request, state }) => `${request ?? "-"} ${state}`).join(",");
  }

  readonly #waited = new Set<Transaction>();

  #isWaitedFor(transaction: Transaction): boolean {
    return this.#waited.has(transaction);
  }

  #run(transaction: Transaction, signal: AbortSignal): Promise<Outcome> {
    this.#waited.add(transaction);
    const end = (state: Transaction["state"], outcome: Outcome) => () => {
      transaction.state = state;
      return outcome;
    };
    return this.#scheduler.choose("the target answers", () => [
      { name: "the target commits", work: end("committed", succeeded) },
      ...(signal.aborted ? [{ name: "the target cancels", work: end("rolled back", failed("Cancelled.")) }] : []),
      ...this.#faults("the target refuses", end("rolled back", failed("Refused."))),
      ...this.#faults("the connection breaks after the commit", end("committed", lost)),
    ]);
  }

  #tell(marker: Json): Outcome {
    const { transaction } = { ...(marker as { transaction: number }) };
    const state = this.transactions[transaction]?.state;
    if (state === "open") throw new CountersignError("target_unavailable", "It is still at work.", { retryable: true });
    return state === "committed" ? succeeded : failed("It was rolled back.");
  }
}
