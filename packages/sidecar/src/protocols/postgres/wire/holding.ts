import {
  CountersignError,
  type Limits,
  type Operation,
  type Outcome,
  type PostgresQuery,
  type SqlFacts,
} from "@countersign/policy";
import type { PassageEnd } from "../../../native/passage.ts";
import type { Held } from "../../../native/verdict.ts";
import type { WaitingClient } from "../../../native/waiting-client.ts";
import type { Dispatch, DispatchOptions } from "../../connector.ts";
import type { Masking } from "../masks/masking.ts";
import type { Refusal } from "../refuse.ts";
import type { Conversation } from "./conversation.ts";
import { acceptedMasking } from "./masking-of.ts";
import { newsNotice, waitingNotice } from "./notice.ts";
import { Running } from "./running.ts";
import { cancelledWords } from "./syntax.ts";
import { transactionMarker } from "./transaction-marker.ts";

/** What is to be done with what is held. */
export interface HeldWork {
  /** What the client asked for. An approver may have put another operation in its place. */
  readonly operation: PostgresQuery;
  /** Sends it; the messages of the client that come after it may be looked at from then on. */
  run(operation: PostgresQuery, running: Running): void;
  /** It does not run. */
  refuse(refusal: Refusal): void;
}

/** One operation of a client that waits for approvers. */
export class Holding {
  readonly #conversation: Conversation;
  readonly #work: HeldWork;
  readonly #gone = new AbortController();
  #started = false;
  #cancelled = false;
  #unseen = false;
  #facts: SqlFacts | undefined;
  #lost = false;
  #timer: NodeJS.Timeout | undefined;
  #masking: Masking | undefined;

  constructor(conversation: Conversation, work: HeldWork) {
    this.#conversation = conversation;
    this.#work = work;
  }

  /** Holds it, and resolves when all is said and done. */
  async begin(verdict: Held): Promise<void> {
    const { native } = this.#conversation;
    this.#conversation.state = "held";
    const { facts } = verdict.asked;
    this.#facts = facts.protocol === "postgres" ? facts.sql : undefined;
    this.#unseen = verdict.decision.approval.input === "unseen";
    const ended = await native.hold(verdict, this.#client(verdict), this.#gone.signal);
    clearInterval(this.#timer);
    if (this.#started || this.#conversation.ended) return;
    // Of a pipeline that has failed meanwhile nothing more is answered.
    this.#conversation.state = this.#lost ? "skipping" : "open";
    if (this.#lost) return;
    if (this.#cancelled) return this.#work.refuse(cancelledByClient);
    const { failure, requestId, state } = ended;
    const { code = state, message = "it did not run.", retryable = false } = failure ?? {};
    this.#work.refuse({ code, message, retryable, requestId, rules: verdict.decision.rules });
  }

  /** The pipeline that it belongs to has failed. */
  lose(): void {
    this.#lost = true;
    this.#gone.abort();
  }

  /** The client cancels it, or has gone. */
  cancel(): void {
    this.#cancelled = true;
    this.#gone.abort();
  }

  #client({ decision }: Held): WaitingClient {
    const conversation = this.#conversation;
    const { noticeMs } = conversation.parts.bounds;
    const locks = conversation.inTransaction && conversation.parts.bounds.holdInTransaction === "warn";
    const why = `${locks ? "The locks of the open transaction are held meanwhile. " : ""}${decision.message === undefined ? "" : `${decision.message} `}Asked for by ${decision.rules.join(", ")}.`;
    const say = (notice: Buffer) => {
      if (this.#gone.signal.aborted || conversation.state !== "held") return;
      conversation.replies.interpose(notice);
      conversation.turn();
    };
    return {
      pending: (request) => {
        say(waitingNotice(request, why));
        clearInterval(this.#timer);
        if (noticeMs > 0) this.#timer = setInterval(() => say(waitingNotice(request, why)), noticeMs).unref();
      },
      replaced: ({ requestId, why: reason, statement }) => {
        say(newsNotice(`request ${requestId} took its place: ${reason}`, statement && `It now says: ${statement}`));
      },
    };
  }

  /** What runs it once it may; see `OwnConnection`. */
  dispatch(operation: Operation, limits: Limits, { signal, readOnly }: DispatchOptions): Dispatch {
    const conversation = this.#conversation;
    const requireHeld = () => {
      if (this.#started || this.#gone.signal.aborted || conversation.state !== "held")
        throw new CountersignError("cancelled", "The client does not wait for it any more; nothing ran.");
    };
    return {
      prepare: async () => {
        requireHeld();
        await conversation.lend();
        requireHeld();
        if (limits.masks !== undefined) this.#masking = await acceptedMasking(conversation, queryOf(operation), limits.masks);
        requireHeld();
        await conversation.limiting.pending;
        const answered = conversation.answeredAll();
        conversation.turn();
        await answered;
        requireHeld();
        const marker =
          this.#facts === undefined || readOnly || !this.#isOwn(operation)
            ? null
            : await transactionMarker(conversation, this.#facts);
        requireHeld();
        return marker;
      },
      run: async () => {
        requireHeld();
        const query = queryOf(operation);
        this.#started = true;
        clearInterval(this.#timer);
        return this.#run(query, { limits, readOnly, signal });
      },
      close: async () => {},
    };
  }

  /** Whether it is what the client sent, and not what an approver put in its place. */
  #isOwn(operation: Operation): boolean {
    return operation.kind === "postgres.query" && operation.statement === this.#work.operation.statement;
  }

  async #run(operation: PostgresQuery, terms: { limits: Limits; readOnly: boolean; signal: AbortSignal }): Promise<Outcome> {
    const conversation = this.#conversation;
    const { limits, readOnly, signal } = terms;
    const { promise, resolve } = Promise.withResolvers<PassageEnd>();
    const startedMs = conversation.parts.now();
    const running = new Running(
      { end: resolve },
      { limits, readOnly, startedMs, takesData: this.#unseen, suspicious: true, masking: this.#masking },
    );
    // What was reviewed need not be understood.
    conversation.afterwards = "end";
    const stop = () => conversation.limiting.stop(running);
    signal.addEventListener("abort", stop, { once: true });
    conversation.state = "open";
    conversation.guarded(() => this.#work.run(operation, running));
    conversation.resume();
    try {
      return outcomeOf(await promise, running);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

function queryOf(operation: Operation): PostgresQuery {
  if (operation.kind !== "postgres.query") throw new TypeError("the operation is not the client's");
  return operation;
}

/** The words of PostgreSQL, see `ownErrorOf`. */
const cancelledByClient: Refusal = { code: "cancelled", message: cancelledWords, retryable: false };

const changeTag = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$/;

function outcomeOf({ state, rows, bytes, durationMs, targetCode, commandTag }: PassageEnd, { cut }: Running): Outcome {
  const measured = { rows, bytes, durationMs };
  const changed = changeTag.exec(commandTag ?? "")?.[1];
  const said = {
    ...(commandTag === undefined ? {} : { commandTag }),
    ...(changed === undefined ? {} : { rowsAffected: Number(changed) }),
  };
  if (state === "succeeded") return { state, ...measured, ...said };
  if (state === "unknown") {
    const message = "The connection was lost while the statement ran. Look at the database before you ask again.";
    return { state, failure: { code: "unknown_outcome", message, retryable: false }, ...measured, ...said };
  }
  const failure =
    cut !== undefined
      ? ({ code: "limit_exceeded", message: `The policy's limit of ${cut} was reached.`, retryable: false } as const)
      : state === "unsent"
        ? ({ code: "cancelled", message: "The client bound it and did not execute it; nothing ran.", retryable: false } as const)
        : {
            code: "target_error" as const,
            message: `The database refused it (${targetCode ?? "an earlier step of the same pipeline failed"}).`,
            retryable: false,
            ...(targetCode === undefined ? {} : { targetCode }),
          };
  return { state: "failed", failure, ...measured, ...said };
}
