import type { ClientConnection, PostgresQuery } from "@countersign/policy";
import type { ParameterStatuses } from "../lent.ts";

/** Settings that decide what values mean and how they look, of those that a server reports (§53.2.7). */
const meaningful: readonly string[] = ["DateStyle", "IntervalStyle", "TimeZone"];

/** What an operation holds besides its text and its connection. */
export type OperationAbout = Pick<PostgresQuery, "parameters" | "types" | "runs" | "input">;

/** What the operations of one connection say about it. */
export class ConnectionTerms {
  readonly #id: string;
  readonly #settings: Map<string, string>;
  readonly #greeting: ParameterStatuses;
  readonly #atStart: Readonly<Record<string, string>>;
  #idle: ClientConnection | undefined;
  #busy: ClientConnection | undefined;

  /** `atStart`: what the client asked for; `greeting`: what it was told. */
  constructor(id: string, atStart: Readonly<Record<string, string>>, greeting: ParameterStatuses) {
    this.#id = id;
    this.#atStart = atStart;
    this.#greeting = greeting;
    this.#settings = new Map(Object.entries(atStart));
  }

  /** As it is now. */
  of(inTransaction: boolean): ClientConnection {
    const made = (inTransaction ? this.#busy : this.#idle) ?? this.#make(inTransaction);
    if (inTransaction) this.#busy = made;
    else this.#idle = made;
    return made;
  }

  /** An operation of the connection as it is now. */
  operation(statement: string, about: OperationAbout, inTransaction: boolean): PostgresQuery {
    const { parameters, types, runs, input } = about;
    const operation: PostgresQuery = { kind: "postgres.query", statement, parameters, connection: this.of(inTransaction) };
    if (types === undefined && runs === undefined && input === undefined) return operation;
    return { ...operation, ...(types && { types }), ...(runs && { runs }), ...(input && { input }) };
  }

  /** The server reports a setting. */
  reported(name: string, value: string): void {
    if (!meaningful.includes(name)) return;
    if (value === this.#greeting.get(name) && this.#atStart[name] === undefined) this.#settings.delete(name);
    else this.#settings.set(name, value);
    this.#idle = this.#busy = undefined;
  }

  #make(inTransaction: boolean): ClientConnection {
    const settings = Object.fromEntries([...this.#settings].sort(([a], [b]) => (a < b ? -1 : 1)));
    return Object.freeze({
      id: this.#id,
      ...(inTransaction ? { inTransaction } : {}),
      ...(this.#settings.size > 0 ? { settings } : {}),
    });
  }
}
