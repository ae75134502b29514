import { CountersignError, type PostgresQuery } from "@countersign/policy";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { Held, Pass, Verdict } from "../../../native/verdict.ts";
import type { TransactionStatus } from "../exchange.ts";
import type { GivenBack, LentHandler } from "../lent.ts";
import type { Refusal } from "../refuse.ts";
import { ConnectionTerms } from "./client-connection.ts";
import { type Expected, expected } from "./expected.ts";
import type { GateParts } from "./gate-parts.ts";
import { Limiting, limitMessage } from "./limiting.ts";
import type { Prepared } from "./names.ts";
import { Outgoing } from "./outgoing.ts";
import { Replies, type RepliesHandler } from "./replies.ts";
import { request } from "./request-message.ts";
import { Running } from "./running.ts";
import { type Complaint, complaintMessage, readyMessage } from "./server-message.ts";
import { SessionNames } from "./session-names.ts";

/**
 * What the client's messages are to be taken for now: `waiting` for a decision, the journal or a session; `held` for approvers; `skipping` to
 * the next Sync; `copying` data to the server; `capturing` it for approvers; `leaving` after a Terminate until all is answered.
 */
export type State = "open" | "waiting" | "held" | "skipping" | "copying" | "capturing" | "leaving" | "ended";

/** What becomes of what a client asks for. */
export interface Answer {
  pass(verdict: Pass): void;
  hold(verdict: Held): void;
  refuse(refusal: Refusal): void;
}

/** What else there is to know of what runs. */
interface RunningAbout {
  readonly steps: Prepared["steps"];
  readonly rowsBefore?: number;
  /** It runs by the extended protocol. */
  readonly isStep: boolean;
}

/** What a conversation tells its gate. */
export interface ConversationHandler {
  /** The client's messages may be looked at again. */
  resumed(): void;
  /** The pipeline failed in which something is held. */
  lost(): void;
  /** It is over, and the client has been told. */
  over(): void;
}

/** A text that PostgreSQL's parser does not accept, and never will: it makes a transaction fail as the client's own error would. */
const errorText = "Countersign refused this statement";
/** The name of our own prepared statement and portal among the client's. */
export const ownName = "_countersign";
/** Kinds of statements that define or close something by name. */
const naming: ReadonlySet<string> = new Set(["PREPARE", "DEALLOCATE", "DECLARE CURSOR", "CLOSE"]);
/** Kinds of statements that run triggers. */
const firing: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY FROM"]);
/** With more answers due, the client has to wait; with half as many it goes on. */
const mostDue = 10_000;

/**
 * One client and one session of the database: what was sent, what is due, in which transaction. What the client asks for is decided in the order
 * in which it came, and nothing goes to the server that is not decided.
 */
export class Conversation implements RepliesHandler, LentHandler {
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
  /** The server waits for data to copy. */
  copies = false;
  /** Something was executed since the settings were last reported, or asked for. */
  unchecked = false;
  /** What ran may have changed how statements are read. */
  doubtful = false;
  /** What the next client may find of this session. */
  afterwards: GivenBack = "reset";
  readonly #handler: ConversationHandler;
  readonly #leaving = new AbortController();
  #lending: Promise<void> | undefined;
  #toClient: Buffer[] = [];
  #clientFull = false;
  #tooMuchDue = false;
  #lostMeanwhile = false;
  #serverEnds = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(parts: GateParts, native: NativeGate, handler: ConversationHandler) {
    this.parts = parts;
    this.native = native;
    this.#handler = handler;
    this.replies = new Replies(this);
    this.terms = new ConnectionTerms(parts.connection, parts.settings, parts.statuses);
    this.outgoing = new Outgoing(
      parts.journal,
      () => this.fatal("58000", "Countersign: the audit log cannot be written, so nothing was run"),
      () => parts.client.pause(),
    );
    this.limiting = new Limiting(
      () => this.outgoing.lent,
      (running) => this.replies.next?.running === running,
      () => this.fatal("57014", "Countersign: a statement that has reached a limit of the policy could not be stopped"),
    );
  }

  get ended(): boolean {
    return this.state === "ended";
  }

  /** Whether no message of the client may be looked at now. */
  get blocked(): boolean {
    return this.state === "waiting" || this.state === "held" || this.#clientFull || this.#tooMuchDue;
  }

  /** Whether a transaction is open or about to be. */
  get inTransaction(): boolean {
    return this.status !== "I" || this.controlled || this.executed;
  }

  /** An operation of this connection. */
  operation(statement: string, about: Pick<PostgresQuery, "parameters" | "types" | "runs" | "input">): PostgresQuery {
    const { parameters, types, runs, input } = about;
    const operation: PostgresQuery = {
      kind: "postgres.query",
      statement,
      parameters,
      connection: this.terms.of(this.inTransaction),
    };
    if (types === undefined && runs === undefined && input === undefined) return operation;
    return { ...operation, ...(types && { types }), ...(runs && { runs }), ...(input && { input }) };
  }

  /** Has it decided what becomes of an operation: in this turn where nothing has to be waited for. */
  ask(operation: PostgresQuery, answer: Answer) {
    const { pending } = this.limiting;
    if (pending !== undefined) return this.wait(pending, { done: () => this.ask(operation, answer) });
    const verdict = this.native.judge(operation);
    if (!(verdict instanceof Promise)) return this.#judged(operation, verdict, answer);
    this.wait(verdict, {
      done: (one) => this.#judged(operation, one, answer),
      failed: (error) => answer.refuse(this.refusalOf(error)),
      dropped: (one) => one?.effect === "pass" && unsent(one),
    });
  }

  #judged(operation: PostgresQuery, verdict: Verdict, answer: Answer) {
    if (verdict.effect === "refuse") return answer.refuse(verdict);
    if (verdict.effect === "hold") return answer.hold(verdict);
    const { ready } = verdict.passage;
    if (ready === undefined && this.outgoing.lent !== undefined) return answer.pass(verdict);
    this.wait(Promise.all([ready, this.lend()]), {
      done: () => {
        if (this.native.stillPasses(verdict)) return answer.pass(verdict);
        unsent(verdict);
        this.ask(operation, answer);
      },
      failed: (error) => {
        unsent(verdict);
        answer.refuse(this.refusalOf(error));
      },
      dropped: () => unsent(verdict),
    });
  }

  /** What an allowed operation runs as. */
  running({ passage, decision, facts, readOnly }: Pass, { steps, rowsBefore = 0, isStep }: RunningAbout): Running {
    const { kinds, opaque } = facts.protocol === "postgres" ? facts.sql : { kinds: [], opaque: true };
    // What it does to names was not looked at, e.g. in a large text: they have to be asked for.
    const isUnseen = opaque || (steps === undefined && kinds.some((kind) => naming.has(kind)));
    if (isUnseen) this.afterwards = "end";
    // Settings that a trigger changes are reported with ReadyForQuery, and by servers before 18 not all of them.
    const isLate = isStep || (this.outgoing.lent?.version ?? 0) < 18;
    const suspicious = isUnseen || (isLate && !readOnly && kinds.some((kind) => firing.has(kind)));
    const { limits } = decision;
    const running = new Running(passage, { limits, readOnly, startedMs: this.parts.now(), rowsBefore, suspicious });
    if (limits.timeMs !== undefined) this.limiting.watch(running);
    return running;
  }

  /** Borrows a session, if there is none yet. */
  lend(): Promise<void> {
    if (this.outgoing.lent !== undefined) return Promise.resolve();
    this.#lending ??= this.parts.upstream(this, this.#leaving.signal).then(
      (lent) => {
        if (this.state === "ended") lent.giveBack("keep", "I");
        else this.outgoing.lent = lent;
      },
      (error: unknown) => {
        this.#lending = undefined;
        throw error;
      },
    );
    return this.#lending;
  }

  /** Lets the client's messages wait for something. `dropped`: the pipeline has failed meanwhile, or the client is gone. */
  wait<Value>(
    promise: Promise<Value>,
    next: { done: (value: Value) => void; failed?: (error: unknown) => void; dropped?: (value?: Value) => void },
  ): void {
    const before = this.state;
    this.state = "waiting";
    this.#lostMeanwhile = false;
    const settled = (go: () => void, value?: Value) => {
      if (this.state === "ended") return next.dropped?.(value);
      if (this.#lostMeanwhile) {
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
    if (entry.running?.suspicious) this.doubtful = true;
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
  pipelineEnds(): void {
    this.stepped = this.executed = this.controlled = this.limited = this.unchecked = false;
  }

  /**
   * Refuses a Query. The status that follows is the server's: where a pipeline is open, or PostgreSQL itself would have failed, the server is
   * made to fail as well.
   */
  refuseQuery(complaint: Complaint, likeServer = false): void {
    const bytes = complaintMessage(complaint);
    const fails = this.stepped || (likeServer && (this.status === "T" || this.replies.due > 0));
    this.pipelineEnds();
    if (fails && this.outgoing.lent) this.send(request.query(errorText), expected("query", { bytes }));
    else this.replies.expect(expected("local", { bytes, ready: true }));
  }

  /** Refuses a message of the extended protocol; what follows is skipped up to the Sync. Statements before it in an implicit transaction are undone. */
  refuseStep(complaint: Complaint, likeServer = false): void {
    const bytes = complaintMessage(complaint);
    const implicit = this.executed && (this.status !== "T" || this.controlled || this.replies.awaitsReady);
    this.state = "skipping";
    if (this.outgoing.lent && (implicit || likeServer))
      this.send(request.parse(ownName, errorText), expected("parse", { bytes, name: ownName }));
    else this.replies.expect(expected("local", { bytes }));
  }

  /** Says something that is no answer. */
  interpose(message: Buffer): void {
    this.replies.interpose(message);
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
    if (bytes.length > 0) this.parts.client.end(Buffer.concat(bytes));
    else this.parts.client.end();
    this.#handler.over();
  }

  /**
   * Brings what was sent to an end, after the conversation: resolves when the server has answered all of it.
   *
   * @param patient Lets it run, rather than stop it.
   */
  endAll(patient: boolean): Promise<void> {
    const { lent } = this.outgoing;
    if (lent === undefined) return Promise.resolve();
    this.#clientFull = false;
    lent.resume();
    if (this.copies) {
      this.outgoing.add(request.copyFail("The client has gone"));
      this.replies.expect(expected("copy-end"));
    }
    if (this.stepped) this.send(request.sync, expected("sync"));
    this.stepped = this.copies = false;
    this.outgoing.flush();
    if (!patient && this.replies.due > 0) {
      this.afterwards = "end";
      lent.cancel().catch(() => {});
    }
    return this.answeredAll();
  }

  /** Whatever was thrown, as the client is told it. */
  refusalOf(error: unknown): Refusal {
    if (error instanceof CountersignError) return error;
    if (error instanceof Error && error.name === "AuditError") {
      const message = "the audit log cannot be written, so nothing was run. Try again later.";
      return { code: "audit_unavailable", message, retryable: true };
    }
    this.parts.onInternalError(error);
    return { code: "internal", message: "an internal error stopped it; nothing was run.", retryable: false };
  }

  /** The client's messages may be looked at again. */
  resume(): void {
    this.#handler.resumed();
  }

  /** Nobody waits for a session any more. */
  leave(): void {
    this.state = "ended";
    this.#leaving.abort();
  }

  // What the server says.

  data(chunk: Buffer): void {
    try {
      this.replies.push(chunk);
    } catch (error) {
      this.parts.onInternalError(error);
      this.fatal("08P01", "Countersign: the database broke the protocol");
    }
    this.turn();
  }

  drained(): void {
    if (this.state !== "ended") this.parts.client.resume();
  }

  closed(): void {
    const now = this.parts.now();
    for (const { running } of this.replies.abandon()) running?.lose(now);
    this.stepped = this.limited = this.copies = false;
    this.afterwards = "end";
    if (this.#serverEnds) this.end();
    else this.fatal("57P01", "Countersign: the connection to the database was lost");
    this.advanced();
  }

  /** The server has told the client that it ends the session. */
  serverEnds(): void {
    this.#serverEnds = true;
  }

  toClient(bytes: Buffer): void {
    this.#toClient.push(bytes);
  }

  completed(entry: Expected): void {
    if (entry.steps) this.names.completed(entry);
  }

  answered(entry: Expected): void {
    const { kind, name, running } = entry;
    const { statements, portals } = this.names;
    if (kind === "query" || kind === "execute") {
      this.#endCopy();
      running?.finish(this.parts.now());
      if (entry.steps) this.names.done(entry.steps);
      // A Query takes the unnamed statement away (§53.2.3).
      if (entry.defines !== undefined) statements.confirmed("", undefined);
    } else if (kind === "parse" && entry.defines?.of === "statement") statements.confirmed(name, entry.defines);
    else if (kind === "bind" && entry.defines?.of === "portal") portals.confirmed(name, entry.defines);
    else if (kind === "close-statement") statements.confirmed(name, undefined);
    else if (kind === "close-portal") portals.confirmed(name, undefined);
    entry.settled?.(true);
  }

  failed(entry: Expected): void {
    const { kind, name, running } = entry;
    this.#endCopy();
    if (kind === "query" || kind === "sync") return;
    // A Parse without a name takes the older one away before it looks at its own text.
    if (kind === "parse" && name === "" && entry.defines) this.names.statements.confirmed(name, undefined);
    else this.#undone(entry);
    running?.end("failed", this.parts.now());
    entry.settled?.(false);
  }

  skipped(entry: Expected): void {
    if (entry.kind === "query" && entry.defines !== undefined) this.names.statements.undone("");
    this.#undone(entry);
    entry.running?.end("failed", this.parts.now());
    entry.settled?.(false);
  }

  /** The server takes no more data: it has failed, or it has all. */
  #endCopy(): void {
    this.copies = false;
    if (this.state === "copying") this.state = "open";
  }

  #undone({ kind, name, steps, defines }: Expected): void {
    const { statements, portals } = this.names;
    if (kind === "parse" || kind === "close-statement") statements.undone(name);
    else if (kind === "bind" || kind === "close-portal") portals.undone(name);
    if (defines?.of === "portal") defines.running?.end("failed", this.parts.now());
    if (steps) this.names.done(steps);
  }

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

  suspended({ steps }: Expected): void {
    if (steps) this.names.done(steps);
  }

  lost(): void {
    this.#lostMeanwhile = true;
    if (this.state === "open" || this.state === "copying" || this.state === "capturing") this.state = "skipping";
    this.#handler.lost();
    this.advanced();
  }

  ready(status: TransactionStatus): void {
    this.status = status;
    for (const { running } of this.names.ready(status)) running?.drop(this.parts.now());
  }

  ownReady(): void {
    this.toClient(readyMessage(this.status.charCodeAt(0)));
  }

  limit({ running }: Expected): void {
    if (running) this.limiting.stop(running);
    this.afterwards = "end";
  }

  limitReached({ running }: Expected): Buffer {
    if (!running) throw new TypeError("nothing was limited");
    return limitMessage(running);
  }

  overtaken(): void {
    this.send(request.parse(ownName, errorText), expected("parse", { silent: true, name: ownName }));
  }

  copyIn(entry: Expected): "pass" | "keep" {
    if (entry.input !== undefined) {
      for (const message of [request.copyData(entry.input), request.copyDone]) this.outgoing.add(message);
      return "keep";
    }
    if (entry.running?.takesData === false) {
      this.fatal("42501", "Countersign: the server asks for data that no approver has seen");
      return "keep";
    }
    // Its end may have been sent ahead.
    const ended = this.replies.dropIgnoredSyncs();
    this.copies = !ended;
    if (!ended && this.state === "open") this.state = "copying";
    else if (!ended && this.state !== "ended") this.fatal("08P01", "unexpected message during COPY from stdin");
    return "pass";
  }

  drifted(name: string, value: string): boolean {
    this.terms.reported(name, value);
    return this.outgoing.lent?.drifted(name, value) ?? false;
  }

  broken(message: string): void {
    this.fatal("42501", `Countersign: ${message}, on which the reading of statements depends; the session is ended`);
  }
}

function unsent({ passage }: Pass): void {
  passage.end({ state: "unsent", rows: 0, bytes: 0, durationMs: 0 });
}
