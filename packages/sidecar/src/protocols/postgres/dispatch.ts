import { CountersignError, type Failure, type Json, type Limits, type Outcome, type PostgresQuery } from "@countersign/policy";
import type { DatabaseError } from "pg-protocol";
import type { Dispatch, ResultSink } from "../connector.ts";
import type { Stop } from "../stop.ts";
import { isServerError } from "./codec.ts";
import type { Reply } from "./exchange.ts";
import { lostFailure, statementFailure, unknownFailure } from "./failure.ts";
import type { Marker } from "./marker.ts";
import type { Masking } from "./masks/masking.ts";
import { type Plan, planOf } from "./plan.ts";
import { encodeQuery } from "./request.ts";
import { RowStream } from "./rows.ts";
import type { Session } from "./session.ts";
import { ConnectionLost } from "./upstream.ts";

/** What one dispatch needs of its connector. */
export interface DispatchParts {
  readonly operation: PostgresQuery;
  readonly readOnly: boolean;
  readonly limits: Limits;
  readonly stop: Stop;
  readonly acquire: () => Promise<Session>;
  readonly release: (session: Session, afterwards: Plan["afterwards"]) => void;
  /** What became of a transaction whose connection is gone. */
  readonly resolve: (marker: Marker) => Promise<Outcome>;
  /** How the result is masked; undefined = not at all. */
  readonly masking: (session: Session) => Promise<Masking | undefined>;
  /** Turns what was thrown while preparing into a CountersignError. */
  readonly refuse: (error: unknown) => Error;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** A statement that was asked to stop is asked again after this time, because a request that arrives before the statement has no effect. */
const cancelAgainMs = 500;
/** After this time its connection is closed. */
const cancelPatienceMs = 3000;
/** How long a COMMIT may take (it may wait for a synchronous standby). */
const commitPatienceMs = 60_000;

type Ending = Pick<Outcome, "state" | "failure" | "commandTag" | "rowsAffected">;

/** One statement on its way: alone, or between BEGIN and COMMIT. */
export class PostgresDispatch implements Dispatch {
  readonly #parts: DispatchParts;
  readonly #startedMs: number;
  #request: Buffer | undefined;
  #plan: Plan | undefined;
  #session: Session | undefined;
  #marker: Marker | undefined;
  #masking: Masking | undefined;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
    this.#startedMs = parts.now();
  }

  async prepare(): Promise<Json> {
    const { operation, readOnly, acquire, masking, refuse } = this.#parts;
    try {
      this.#plan = planOf(operation.statement, readOnly);
      this.#request = encodeQuery(operation);
      this.#session = await acquire();
      this.#masking = await masking(this.#session);
      this.#masking?.accept();
      if (this.#plan.mode !== "transaction") return null;
    } catch (error) {
      throw refuse(error);
    }
    return this.#begin(this.#session);
  }

  async #begin(session: Session): Promise<Json> {
    try {
      const marker = await session.begin();
      this.#marker = marker;
      return marker;
    } catch (error) {
      if (!isServerError(error)) throw this.#parts.refuse(error);
      // E.g. on a standby, which cannot write.
      const { code, message, ...options } = statementFailure(error);
      throw new CountersignError(code, message, { ...options, cause: error });
    }
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits, stop } = this.#parts;
    const session = this.#session;
    if (!session) throw new TypeError("run() before prepare()");
    if (limits.timeMs !== undefined) stop.after(limits.timeMs, this.#elapsedMs());
    const rows = new RowStream(sink, limits, session.upstream, (failure) => stop.request(failure));
    if (this.#masking) rows.mask(this.#masking);
    const ending = this.#marker ? await this.#inTransaction(session, rows) : await this.#alone(session, rows);
    // Cut at a limit: the caller still gets what is below it.
    if (rows.cut) await this.#deliver(rows);
    return { ...ending, rows: rows.rowsGiven, bytes: rows.bytesGiven, durationMs: this.#elapsedMs() };
  }

  async close(): Promise<void> {
    this.#parts.stop[Symbol.dispose]();
    this.#release(this.#plan?.afterwards ?? "end");
  }

  #release(afterwards: Plan["afterwards"]): void {
    const session = this.#session;
    this.#session = undefined;
    if (session) this.#parts.release(session, afterwards);
  }

  /** A read, or a statement that PostgreSQL does not run inside a transaction block: the server commits it by itself. */
  async #alone(session: Session, rows: RowStream): Promise<Ending> {
    const { stop } = this.#parts;
    const standalone = this.#plan?.mode === "standalone";
    if (stop.reason) return failed(stop.reason);
    let reply: Reply;
    try {
      reply = await this.#exchange(session, rows);
    } catch (error) {
      if (standalone) return { state: "unknown", failure: unknownFailure("The connection was lost while the statement ran.") };
      return failed(stop.reason ?? lostFailure(serverErrorOf(error)));
    }
    const failure = this.#failureOf(reply, rows);
    if (failure) return failed(standalone && stop.reason ? { ...failure, message: stoppedMidway } : failure);
    const delivered = await this.#deliver(rows);
    // What has changed has changed, whether or not somebody took the result.
    return delivered || standalone ? succeeded(reply.tag) : failed(stop.reason ?? lostFailure());
  }

  async #inTransaction(session: Session, rows: RowStream): Promise<Ending> {
    const { stop } = this.#parts;
    if (stop.reason) return failed(stop.reason);
    let reply: Reply;
    try {
      reply = await this.#exchange(session, rows);
    } catch (error) {
      // COMMIT was not sent: the server rolls back.
      return failed(stop.reason ?? lostFailure(serverErrorOf(error)));
    }
    const failure = this.#failureOf(reply, rows) ?? stop.reason;
    if (failure && reply.status !== "I") {
      await session.upstream.simple("rollback").catch(() => {});
      return failed(failure);
    }
    if (failure && reply.oversizedRow !== undefined) return failed(failure);
    // The statement has ended the transaction itself.
    if (reply.status !== "T") return this.#ask(reply.tag, failure);
    return this.#commit(session, rows, reply.tag);
  }

  async #commit(session: Session, rows: RowStream, tag: string | undefined): Promise<Ending> {
    this.#parts.stop.seal();
    let reply: Reply;
    const timer = setTimeout(() => session.upstream.destroy(), commitPatienceMs);
    try {
      reply = await session.upstream.simple("commit");
    } catch {
      return this.#ask(tag);
    } finally {
      clearTimeout(timer);
    }
    // A deferred constraint, or a serialization conflict.
    if (reply.error) return failed(this.#said(reply.error));
    if (reply.tag !== "COMMIT")
      return failed({ code: "target_error", message: "The database rolled the transaction back.", retryable: false });
    await this.#deliver(rows);
    return succeeded(tag);
  }

  /** What truly happened when we were not told. */
  async #ask(tag: string | undefined, failure?: Failure): Promise<Ending> {
    if (!this.#marker) throw new TypeError("No transaction was begun");
    // Asking takes a connection too; this one is of no use any more.
    this.#release("end");
    try {
      const outcome = await this.#parts.resolve(this.#marker);
      if (outcome.state === "succeeded") return succeeded(tag);
      return outcome.state === "failed" && failure ? failed(failure) : outcome;
    } catch {
      return {
        state: "unknown",
        failure: unknownFailure("The connection was lost at COMMIT, and the database cannot tell yet what became of it."),
      };
    }
  }

  async #exchange(session: Session, rows: RowStream): Promise<Reply> {
    const { upstream } = session;
    if (!this.#request) throw new TypeError("run() before prepare()");
    const timers: NodeJS.Timeout[] = [];
    // Not assigned at once: V8 would make it in the old part of its memory, and with it all that this call has.
    const stop = () => {
      // What is below a limit is still given; after anything else nobody waits for rows.
      if (!rows.cut) rows.drop();
      upstream.resume();
      const cancel = () => void upstream.cancel().catch(() => upstream.destroy());
      timers.push(
        setInterval(cancel, cancelAgainMs),
        setTimeout(() => upstream.destroy(), cancelPatienceMs),
      );
      cancel();
    };
    this.#parts.stop.heardBy(stop);
    try {
      return await upstream.extended(this.#request, rows);
    } finally {
      this.#parts.stop.heardBy(undefined);
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Why the statement counts as failed although the server has answered. */
  #failureOf(reply: Reply, rows: RowStream): Failure | undefined {
    const { stop } = this.#parts;
    if (reply.oversizedRow !== undefined) {
      if (reply.oversizedRow > rows.maxRowBytes) rows.limit("bytes");
      return stop.reason ?? rowTooLarge(reply.oversizedRow);
    }
    if (reply.copy) return copyRefused;
    if (reply.empty) return { code: "invalid_operation", message: "There is no statement to run.", retryable: false };
    if (reply.error) {
      if (stop.reason && (rows.cut || reply.error.code === "57014")) return stop.reason;
      return this.#said(reply.error);
    }
    return rows.cut ? stop.reason : undefined;
  }

  /** What the database said, unless that could show what is masked. */
  #said(error: DatabaseError): Failure {
    const failure = statementFailure(error);
    return this.#masking?.hidesWords ? { ...failure, message: hiddenWords } : failure;
  }

  /** Waits until the caller has taken everything; false when it was stopped or the caller is gone. */
  async #deliver(rows: RowStream): Promise<boolean> {
    const taken = rows.finish().then(
      () => true,
      () => false,
    );
    const inTime = await Promise.race([taken, this.#parts.stop.abandoned.then(() => false)]);
    return inTime || rows.delivered;
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

const stoppedMidway = "The statement was stopped while it ran outside a transaction; what it had done by then stays.";

/** The database's own words may quote what is masked. */
const hiddenWords = "The database refused it; its words are not shown, because the rule masks columns of what it is about.";

const copyRefused: Failure = {
  code: "invalid_operation",
  message: "COPY … FROM STDIN and TO STDOUT are not possible in a call: use INSERT or SELECT.",
  retryable: false,
};

function rowTooLarge(bytes: number): Failure {
  return {
    code: "limit_exceeded",
    message: `A row of ${bytes} bytes is larger than Countersign passes on. Select less of it.`,
    retryable: false,
  };
}

function serverErrorOf(error: unknown) {
  const serverError = error instanceof ConnectionLost ? error.serverError : undefined;
  return isServerError(serverError) ? serverError : undefined;
}

function failed(failure: Failure): Ending {
  return { state: "failed", failure };
}

/** The count at the end of a tag says for these how many rows were changed. */
const changeTag = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$/;

function succeeded(commandTag: string | undefined): Ending {
  const changed = changeTag.exec(commandTag ?? "")?.[1];
  return {
    state: "succeeded",
    ...(commandTag === undefined ? {} : { commandTag }),
    ...(changed === undefined ? {} : { rowsAffected: Number(changed) }),
  };
}
