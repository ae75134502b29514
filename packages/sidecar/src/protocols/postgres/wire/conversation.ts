import type { PostgresQuery } from "@countersign/policy";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { TransactionStatus } from "../exchange.ts";
import type { GivenBack, LentHandler } from "../lent.ts";
import { ConnectionTerms, type OperationAbout } from "./client-connection.ts";
import { type Expected, expected } from "./expected.ts";
import type { GateParts } from "./gate-parts.ts";
import { Limiting } from "./limiting.ts";
import type { State } from "./order.ts";
import { Outgoing } from "./outgoing.ts";
import { refuseQuery } from "./refused-query.ts";
import { Replies, type RepliesHandler } from "./replies.ts";
import { errorText, ownName, request } from "./request-message.ts";
import { type Complaint, complaintMessage } from "./server-message.ts";
import { requireVersion } from "./server-version.ts";
import { SessionNames } from "./session-names.ts";

/** What a conversation tells its gate. */
interface ConversationHandler {
  /** Who hears what the server says. Called once, while the conversation is being made. */
  answers(conversation: Conversation): RepliesHandler & LentHandler;
  /** The client's messages may be looked at again. */
  resumed(): void;
  /** The pipeline failed in which something is held. */
  lost(): void;
  /** It is over, and the client has been told. */
  over(): void;
}

/** With more answers due, the client has to wait; with half as many it goes on. */
const mostDue = 10_000;

/**
 * One client and one session of the database: what was sent, what is due, in which transaction. What the client asks for is decided in the order
 * in which it came, and nothing goes to the server that is not decided.
 */
export class Conversation {
  readonly parts: GateParts;
  readonly native: NativeGate;
  readonly replies: Replies;
  readonly outgoing: Outgoing;
  readonly names = new SessionNames();
  readonly terms: ConnectionTerms;
  readonly limiting: Limiting;
  state: State = "open";
  /** Of the last ReadyForQuery. */
  status: TransactionStatus = "I";
  /** Counts what ends with a Sync. */
  pipeline = 0;
  /** Something of the extended protocol was sent since the last Sync; and an Execute; and one that begins or ends a transaction. */
  stepped = false;
  executed = false;
  controlled = false;
  /** And one whose result may be cut: what follows it in its pipeline waits, because it must not run when that happens. */
  limited = false;
  /** A Query came in the middle of a pipeline: the server's implicit transaction goes on up to the Sync that is still to come. */
  unsynced = false;
  /** The server waits for data to copy. */
  copies = false;
  /** Something was executed since the settings were last reported, or asked for. */
  unchecked = false;
  /** What ran may have changed how statements are read. */
  doubtful = false;
  /** The pipeline failed while a message of it waited. */
  lostMeanwhile = false;
  /** What the next client may find of this session. */
  afterwards: GivenBack = "reset";
  readonly #handler: ConversationHandler;
  readonly #answers: RepliesHandler & LentHandler;
  readonly #leaving = new AbortController();
  #lending: Promise<void> | undefined;
  #toClient: Buffer[] = [];
  #clientFull = false;
  #serverFull = false;
  #tooMuchDue = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(parts: GateParts, native: NativeGate, handler: ConversationHandler) {
    this.parts = parts;
    this.native = native;
    this.#handler = handler;
    this.#answers = handler.answers(this);
    this.replies = new Replies(this.#answers);
    this.terms = new ConnectionTerms(parts.connection, parts.settings, parts.statuses);
    this.outgoing = new Outgoing(
      parts.journal,
      () => this.fatal("58000", "Countersign: the audit log cannot be written, so nothing was run"),
      () => {
        this.#serverFull = true;
      },
    );
    this.limiting = new Limiting(
      () => this.outgoing.lent,
      () => this.replies.next,
      () => this.fatal("57014", "Countersign: a statement that has reached a limit of the policy could not be stopped"),
    );
  }

  get ended(): boolean {
    return this.state === "ended";
  }

  /** Whether no message of the client may be looked at now. */
  get blocked(): boolean {
    return this.state === "waiting" || this.state === "held" || this.#clientFull || this.#serverFull || this.#tooMuchDue;
  }

  /** Whether a transaction is open or about to be. */
  get inTransaction(): boolean {
    return this.status !== "I" || this.controlled || this.executed;
  }

  /** An operation of this connection. */
  operation(statement: string, about: OperationAbout): PostgresQuery {
    return this.terms.operation(statement, about, this.inTransaction);
  }

  /** Borrows a session, if there is none yet. */
  lend(): Promise<void> {
    if (this.outgoing.lent !== undefined) return Promise.resolve();
    this.#lending ??= this.parts.upstream(this.#answers, this.#leaving.signal).then((lent) => {
      if (this.state === "ended") return lent.giveBack("keep", "I");
      try {
        requireVersion(lent, this.parts.statuses);
      } catch (error) {
        lent.giveBack("keep", "I");
        throw error;
      }
      this.outgoing.lent = lent;
    });
    this.#lending.catch(() => {
      this.#lending = undefined;
    });
    return this.#lending;
  }

  /** Lets the client's messages wait for something. `dropped`: the pipeline has failed meanwhile, or the client is gone. */
  wait<Value>(
    promise: Promise<Value>,
    next: { done: (value: Value) => void; failed?: (error: unknown) => void; dropped?: (value?: Value) => void },
  ): void {
    const before = this.state;
    this.state = "waiting";
    this.lostMeanwhile = false;
    const settled = (go: () => void, value?: Value) => {
      if (this.state === "ended") return next.dropped?.(value);
      if (this.lostMeanwhile) {
        this.state = "skipping";
        next.dropped?.(value);
      } else {
        this.state = before;
        this.guarded(go);
      }
      this.#handler.resumed();
    };
    promise.then(
      (value) => settled(() => next.done(value), value),
      (error: unknown) => settled(() => (next.failed ? next.failed(error) : this.#internal(error))),
    );
  }

  /** Does something whose failure would be a defect of ours. */
  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#internal(error);
    }
  }

  #internal(error: unknown): void {
    this.parts.onInternalError(error);
    this.fatal("XX000", "Countersign: an internal error ended the connection");
  }

  /** Sends a message whose answer is due. */
  send(message: Buffer, entry: Expected, noted = false): void {
    this.outgoing.add(message, noted);
    this.replies.expect(entry);
    if (entry.kind === "query") this.names.queried(this.pipeline);
    if (entry.running?.suspicious) this.doubtful = true;
    if (entry.running?.limits.timeMs !== undefined) this.limiting.watch(entry, entry.running.limits.timeMs);
    if (entry.kind === "execute") this.unchecked = true;
    if (this.replies.due > mostDue) {
      this.#tooMuchDue = true;
      this.outgoing.add(request.flush);
    }
  }

  /** Resolves when everything that was sent is answered. */
  answeredAll(): Promise<void> {
    if (this.replies.due === 0) return Promise.resolve();
    if (this.stepped) this.outgoing.add(request.flush);
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Nothing of the extended protocol is open any more. */
  pipelineEnds(bySync = false): void {
    this.unsynced = !bySync && (this.unsynced || this.stepped);
    this.stepped = this.executed = this.controlled = this.limited = this.unchecked = false;
  }

  /** Refuses a Query. */
  refuseQuery(complaint: Complaint, likeServer = false): void {
    refuseQuery(this, complaintMessage(complaint), likeServer);
  }

  /** Refuses a message of the extended protocol; what follows is skipped up to the Sync. Statements before it in an implicit transaction are undone. */
  refuseStep(complaint: Complaint, likeServer = false) {
    const bytes = complaintMessage(complaint);
    const implicit = this.executed && (this.status !== "T" || this.controlled || this.replies.awaitsReady);
    this.state = "skipping";
    if (!this.outgoing.lent || !(implicit || likeServer)) return this.replies.expect(expected("local", { bytes }));
    this.stepped = true;
    this.send(request.parse(ownName, errorText), expected("parse", { bytes, name: ownName }));
  }

  /** The end of a turn in which something was said to either side. */
  turn(): void {
    this.outgoing.flush();
    const bytes = this.#toClient;
    const [only] = bytes;
    if (only === undefined) return;
    this.#toClient = [];
    if (this.state === "ended") return;
    if (this.parts.client.write(bytes.length === 1 ? only : bytes)) return;
    this.#clientFull = true;
    this.outgoing.lent?.pause();
  }

  /** The client has taken what was said. */
  clientDrained(): void {
    this.#clientFull = false;
    this.outgoing.lent?.resume();
    this.#handler.resumed();
  }

  /** The server has taken what was sent. */
  serverDrained(): void {
    this.#serverFull = false;
    this.#handler.resumed();
  }

  /** Says something of the server's answers, in their order. */
  tell(bytes: Buffer): void {
    this.#toClient.push(bytes);
  }

  /** Fewer answers are due than before. */
  advanced(): void {
    const { due } = this.replies;
    if (this.#tooMuchDue && due < mostDue / 2) {
      this.#tooMuchDue = false;
      // Not in the middle of what the server says.
      queueMicrotask(() => this.#handler.resumed());
    }
    if (due > 0 || this.#idle === undefined) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }

  /** The pipeline has failed: nothing of it counts up to a Sync that the client has not sent yet. */
  lose(): void {
    this.lostMeanwhile = true;
    if (this.state === "open" || this.state === "copying" || this.state === "capturing") this.state = "skipping";
    this.#handler.lost();
    this.advanced();
  }

  /** Ends the conversation with an error. */
  fatal(sqlstate: string, message: string): void {
    this.end(this.replies.midMessage ? undefined : complaintMessage({ severity: "FATAL", sqlstate, message }));
  }

  /** Ends it with what was said. */
  end(last?: Buffer): void {
    if (this.state === "ended") return;
    const bytes = this.#toClient;
    this.#toClient = [];
    if (last) bytes.push(last);
    this.parts.client.end(bytes.length > 0 ? Buffer.concat(bytes) : undefined);
    this.#handler.over();
  }

  /** The client's messages may be looked at again. */
  resume(): void {
    this.#handler.resumed();
  }

  /** Nobody waits for a session any more, and nobody listens. */
  leave(): void {
    this.state = "ended";
    this.#leaving.abort();
    this.#clientFull = false;
    this.outgoing.lent?.resume();
  }
}
