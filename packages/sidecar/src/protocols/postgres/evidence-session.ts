import type { PostgresParameter } from "@countersign/policy";
import { decodeRows } from "./codec.ts";
import type { ConnectOptions } from "./connect.ts";
import { lockMs, NotFoundOut, statementMs } from "./evidence-failure.ts";
import type { Reply } from "./exchange.ts";
import { encodeQuery, type QueryOptions } from "./request.ts";
import { Session } from "./session.ts";

/** Largest row that is taken as evidence, bytes: whoever wrote the statement must not fill our memory with what it gives. */
export const mostRowBytes = 1024 * 1024;

/** After how long without a word from us the server itself ends the transaction, milliseconds. */
const idleMs = 5000;

/** A statement's rows and how it ended. */
export interface Answer {
  readonly rows: readonly (readonly (string | null)[])[];
  /** Absent while there is more, see {@link QueryOptions.portal}. */
  readonly tag: string | undefined;
}

/** A connection of its own, inside a transaction that is never committed. It is thrown away afterwards: whatever was left in it goes too. */
export class EvidenceSession implements Disposable {
  /** The server's major version. */
  readonly version: number;
  readonly isSuperuser: boolean;
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;

  private constructor(session: Session, signal: AbortSignal, onAbort: () => void, told: readonly (string | null)[]) {
    this.#session = session;
    this.#signal = signal;
    this.#onAbort = onAbort;
    this.version = Math.floor(Number(told[0]) / 10_000);
    this.isSuperuser = told[1] === "on";
  }

  /** @throws what connecting throws; {NotFoundOut} when stopped. */
  static async open(
    login: ConnectOptions,
    resource: string,
    access: "read only" | "read write",
    signal: AbortSignal,
  ): Promise<EvidenceSession> {
    if (signal.aborted) throw stopped();
    const session = await Session.open(login, resource, 0);
    // The server notices a closed connection late, and holds its locks until then.
    const onAbort = () => void session.upstream.cancel().finally(() => session.upstream.destroy());
    try {
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) throw stopped();
      const settings = [
        `begin transaction isolation level repeatable read ${access}`,
        `set local statement_timeout = ${statementMs}`,
        `set local lock_timeout = ${lockMs}`,
        `set local idle_in_transaction_session_timeout = ${idleMs}`,
        // What functions say along the way is not for us.
        "set local client_min_messages = error",
      ];
      const [told = []] = await session.upstream.ask(
        `${settings.join("; ")}; select current_setting('server_version_num'), current_setting('is_superuser')`,
      );
      return new EvidenceSession(session, signal, onAbort, told);
    } catch (error) {
      signal.removeEventListener("abort", onAbort);
      session.upstream.destroy();
      throw error;
    }
  }

  /**
   * Asks one of our own questions.
   *
   * @throws {DatabaseError} what the server says against it.
   */
  ask(sql: string): Promise<(string | null)[][]> {
    return this.#session.upstream.ask(sql);
  }

  /**
   * Runs a statement with its values.
   *
   * @throws {DatabaseError} what the server says against it; {NotFoundOut} when its answer is too large.
   */
  async run(statement: string, parameters: readonly PostgresParameter[], options: QueryOptions = {}): Promise<Answer> {
    const rows: (string | null)[][] = [];
    const reply = await this.#session.upstream.extended(encodeQuery({ statement, parameters }, options), {
      maxRowBytes: mostRowBytes,
      rows: (data, count) => rows.push(...decodeRows(data, count)),
    });
    return { rows, tag: tagOf(reply) };
  }

  /** Runs constant SQL of ours and gives its tag. */
  async command(sql: string): Promise<string | undefined> {
    return tagOf(await this.#session.upstream.simple(sql));
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    const { upstream } = this.#session;
    if (upstream.trusted)
      void upstream.simple("rollback").then(
        () => upstream.end(),
        () => upstream.destroy(),
      );
    else upstream.destroy();
  }
}

function tagOf(reply: Reply): string | undefined {
  if (reply.oversizedRow !== undefined)
    throw new NotFoundOut(`Its answer has ${reply.oversizedRow} bytes, which is too large to be shown.`);
  if (reply.error) throw reply.error;
  return reply.tag;
}

function stopped(): NotFoundOut {
  return new NotFoundOut("It was stopped before it was found out.");
}

/** A text as a literal; `standard_conforming_strings` is pinned to on. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
