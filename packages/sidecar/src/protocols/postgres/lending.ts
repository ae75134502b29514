import { CountersignError, type Json } from "@countersign/policy";
import { LRUCache } from "lru-cache";
import type { HeldLocks } from "../../native/own-connection.ts";
import type { TransactionStatus } from "./exchange.ts";
import type { GivenBack, Lent, LentHandler, MaskingOf, ParameterStatuses } from "./lent.ts";
import type { PlainTables } from "./plain-tables.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import type { Session } from "./session.ts";
import { type Settings, settingsOf } from "./settings.ts";

/** How sessions of one role are lent. */
export interface LendingOptions extends PoolOptions {
  /** How many one borrower may have at a time. */
  readonly maxPerPrincipal: number;
  /** Whether a session serves one client only and is ended after it. */
  readonly exclusive: boolean;
  readonly masking: MaskingOf;
  readonly tables: Pick<PlainTables, "arePlain">;
  /** What the transaction of the server's process holds. */
  readonly locks: (processId: number, signal: AbortSignal) => Promise<HeldLocks>;
}

/** What is wanted of a session. */
export interface Wish {
  /** Who borrows: limits are counted by it. */
  readonly borrower: string;
  /** Of the client's start-up, by name. */
  readonly settings: Readonly<Record<string, string>>;
}

const mostGreetings = 1000;

/** The sessions of one role that serve clients' own connections, one client at a time. */
export class Lending {
  readonly #name: string;
  readonly #options: LendingOptions;
  readonly #pool: Pool;
  readonly #borrowed = new Map<string, number>();
  /** What servers report at the start of a session, by its settings. */
  readonly #greetings = new LRUCache<string, ParameterStatuses>({ max: mostGreetings });

  /** `name` stands in errors; `open` gives a checked session or throws a CountersignError. */
  constructor(name: string, options: LendingOptions, open: (settings: Settings) => Promise<Session>, now: () => number) {
    this.#name = name;
    this.#options = options;
    const opened = async (settings: Settings): Promise<Session> => {
      const session = await open(settings);
      this.#greetings.set(greetingKey(settings.values), session.upstream.statuses);
      return session;
    };
    this.#pool = new Pool(name, options, opened, now);
  }

  /**
   * Lends a session until it is given back.
   *
   * @throws {CountersignError} `too_many_requests` when the borrower has all that it may have, and as {@link Pool.acquire}.
   */
  async lend({ borrower, settings }: Wish, handler: LentHandler, signal: AbortSignal): Promise<Lent> {
    const before = this.#borrowed.get(borrower) ?? 0;
    const { maxPerPrincipal, exclusive, masking, tables, locks } = this.#options;
    if (before >= maxPerPrincipal) throw this.#tooMany(maxPerPrincipal);
    this.#borrowed.set(borrower, before + 1);
    const returned = (): void => {
      const left = (this.#borrowed.get(borrower) ?? 1) - 1;
      if (left > 0) this.#borrowed.set(borrower, left);
      else this.#borrowed.delete(borrower);
    };
    try {
      const session = await this.#pool.acquire(signal, settingsOf(settings));
      // Once for each session, while it is nobody's: inside of a client's transaction its failure would be the client's.
      await session.cluster().catch((cause: unknown) => {
        this.#pool.release(session, "end");
        throw new CountersignError("target_unavailable", `${this.#name}: the connection was lost.`, { retryable: true, cause });
      });
      const giveBack = (afterwards: GivenBack): void => {
        returned();
        this.#pool.release(session, exclusive ? "end" : afterwards);
      };
      return new LentSession({ session, masking, tables, locks, handler, giveBack });
    } catch (error) {
      returned();
      throw error;
    }
  }

  /**
   * What the server would report to a client with such settings; known from an earlier session, or asked by opening one.
   *
   * @throws {CountersignError} as {@link Pool.acquire}; what the server says against a setting is its cause.
   */
  async greeting(settings: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ParameterStatuses> {
    const known = this.#greetings.get(greetingKey(settings));
    if (known) return withName(known, settings.application_name);
    const session = await this.#pool.acquire(signal, settingsOf(settings));
    this.#pool.release(session, "keep");
    return session.upstream.statuses;
  }

  /** Ends idle sessions and refuses borrowers; those that are lent end when they are given back. */
  close(): void {
    this.#pool.close();
  }

  #tooMany(most: number): CountersignError {
    const message = `${this.#name}: you have ${most} connections of the database in use already. Close some, or raise pool.sessions.perPrincipal.`;
    return new CountersignError("too_many_requests", message, { retryable: true });
  }
}

/** Names are reported as they were given when they are short and printable (`check_application_name`), so that not every name costs a session. */
const plainName = /^[\x20-\x7e]{0,63}$/;

function greetingKey({ application_name: name = "", ...settings }: Readonly<Record<string, string>>): string {
  return settingsOf(plainName.test(name) ? settings : { ...settings, application_name: name }).key;
}

function withName(statuses: ParameterStatuses, name = ""): ParameterStatuses {
  return plainName.test(name) ? new Map([...statuses, ["application_name", name]]) : statuses;
}

interface LentParts extends Pick<LendingOptions, "masking" | "tables" | "locks"> {
  readonly session: Session;
  readonly handler: LentHandler;
  readonly giveBack: (afterwards: GivenBack) => void;
}

class LentSession implements Lent {
  readonly masking: MaskingOf;
  readonly version: number;
  readonly #session: Session;
  readonly #giveBack: (afterwards: GivenBack) => void;
  readonly #locks: LendingOptions["locks"];
  readonly #tables: LendingOptions["tables"];
  #given = false;

  constructor({ session, masking, tables, locks, handler, giveBack }: LentParts) {
    this.#tables = tables;
    this.#locks = locks;
    this.masking = masking;
    this.#session = session;
    this.#giveBack = giveBack;
    this.version = Number.parseInt(session.upstream.statuses.get("server_version") ?? "", 10);
    session.upstream.lend(handler);
  }

  get statuses(): ParameterStatuses {
    return this.#session.upstream.statuses;
  }

  write(bytes: Buffer | readonly Buffer[]): boolean {
    return this.#session.upstream.write(bytes);
  }

  pause(): void {
    this.#session.upstream.pause();
  }

  resume(): void {
    this.#session.upstream.resume();
  }

  arePlain(reads: readonly string[]): boolean {
    return this.#tables.arePlain(reads);
  }

  marker(xid: string): Json {
    return this.#session.ownMarker(xid) ?? null;
  }

  locks(signal: AbortSignal): Promise<HeldLocks> {
    return this.#locks(this.#session.upstream.processId, signal);
  }

  cancel(): Promise<void> {
    return this.#session.upstream.cancel();
  }

  drifted(name: string, value: string): boolean {
    return this.#session.drifted(name, value);
  }

  checkPins(): Promise<void> {
    return this.#session.checkPinsAside();
  }

  giveBack(afterwards: GivenBack, status: TransactionStatus | "busy"): void {
    if (this.#given) return;
    this.#given = true;
    const { upstream } = this.#session;
    if (status === "busy") {
      // A server that is busy notices a closed connection late.
      if (!upstream.closed) void upstream.cancel().catch(() => {});
      upstream.takeBack("E");
      upstream.destroy();
      this.#giveBack("end");
      return;
    }
    upstream.takeBack(status);
    // An open transaction is not for the next.
    this.#giveBack(afterwards === "keep" && status !== "I" ? "reset" : afterwards);
  }
}
