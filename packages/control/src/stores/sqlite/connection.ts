import type Database from "better-sqlite3";
import type { PreparedQuery } from "../prepared-query.ts";

/** Asks the database. What it answers is committed, or the asker's own. */
export interface Reading {
  all<Values, Row>(query: PreparedQuery<Values, Row>, values: Values): Row[];
  first<Values, Row>(query: PreparedQuery<Values, Row>, values: Values): Row | undefined;
}

/** A transaction as a piece of work has it. */
export interface Writing extends Reading {
  /** Gives how many rows were written. */
  run<Values>(query: PreparedQuery<Values, unknown>, values: Values): number;
}

/** What begins and ends transactions and their parts. */
type Command = "begin" | "commit" | "rollback" | "savepoint job" | "rollback to job" | "release job";

/**
 * The one connection to `control.db`. It answers at once, in the caller's turn of the event loop. Whoever begins a transaction ends it in the same
 * turn, so that nobody else ever sees half of one, and no queue is needed.
 */
export class Connection implements Writing {
  readonly #sqlite: Database.Database;
  readonly #statements = new Map<object | Command, Database.Statement<unknown[]>>();

  constructor(sqlite: Database.Database) {
    this.#sqlite = sqlite;
  }

  all<Values, Row>(query: PreparedQuery<Values, Row>, values: Values): Row[] {
    // A row is what the query says: its builder took the columns' types from the schema, to which the file was brought when it was opened.
    return this.#statement(query, query.sql).all(query.parameters(values)) as Row[];
  }

  first<Values, Row>(query: PreparedQuery<Values, Row>, values: Values): Row | undefined {
    return this.#statement(query, query.sql).get(query.parameters(values)) as Row | undefined;
  }

  /** @throws {TypeError} outside of a transaction: a write by itself would be told before it is on disk. */
  run<Values>(query: PreparedQuery<Values, unknown>, values: Values): number {
    if (!this.inTransaction) throw new TypeError("A write belongs into a transaction");
    return this.#statement(query, query.sql).run(query.parameters(values)).changes;
  }

  /** Whether one is open. Some failures (a full disk) end it by themselves. */
  get inTransaction(): boolean {
    return this.#sqlite.inTransaction;
  }

  do(command: Command): void {
    this.#statement(command, command).run();
  }

  #statement(query: object | Command, sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(sql);
    this.#statements.set(query, statement);
    return statement;
  }
}
