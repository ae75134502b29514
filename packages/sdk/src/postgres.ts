import type { Asking } from "./action.ts";
import { Assembly } from "./assembly.ts";
import type { Connection, Opening } from "./connection.ts";
import type { TypeParsers } from "./field-reader.ts";
import { toSubmit } from "./operation.ts";
import { failureOf, type Summary } from "./outcome.ts";
import { PullStream, type Source } from "./pull-stream.ts";
import type { RowMode } from "./row-reader.ts";
import { awaitOutcome, follow, type Shape, type Waiting } from "./waiting.ts";

/** What goes with a query. */
export interface QueryOptions extends Asking, Waiting {
  /** Rows as objects by column name, or as arrays in column order (`object` when absent). */
  rowMode?: RowMode | undefined;
}

/** What a query gave. */
export interface QueryResult<Row> extends Summary {
  readonly rows: readonly Row[];
}

/** What calls on a resource share. */
export interface CallSettings {
  readonly connection: Connection;
  readonly session: string;
  readonly types: TypeParsers;
  /** Taken where a call's own options say nothing. */
  readonly defaults: Pick<QueryOptions, "reason" | "timeout">;
}

/** A PostgreSQL resource. */
export class PostgresResource {
  /** The resource's configured name. */
  readonly name: string;
  readonly #settings: CallSettings;

  constructor(name: string, settings: CallSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /**
   * Runs one statement and gives its whole result, waiting for people where policy wants one.
   *
   * Bind values: `null` and `undefined` are NULL; strings, numbers, bigints, booleans, `Date` (UTC), `Uint8Array` (bytes), arrays (PostgreSQL
   * arrays) and plain objects (JSON). Whoever stops waiting (`signal`, `timeout`) cancels the request while it is held; a running read is
   * stopped, a running write is not, unless `cancelOnAbort` asks for it.
   *
   * @throws {CountersignError} `denied`, `expired`, `cancelled`, `revoked`: it did not run. `target_error`: PostgreSQL refused it, `targetCode`
   * is the SQLSTATE. `unknown_outcome`, `target_lost`, `result_gone`, `sidecar_unreachable` that is not `retryable`: it may have run.
   */
  async query<Row = Record<string, unknown>>(
    statement: string,
    parameters: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult<Row>> {
    const { opening, shape, waiting } = this.#call(statement, parameters, options);
    const outcome = await awaitOutcome<Row>(this.#settings.connection, opening, shape, waiting);
    const failure = failureOf(outcome);
    if (failure !== undefined) throw failure;
    const { state, resultGone, ...result } = outcome;
    return result;
  }

  /**
   * Runs one statement and gives its rows as they arrive, never more in memory than a few chunks. The call starts with the first row asked for;
   * leaving the loop early stops a statement that reads. Throws as {@link query}.
   */
  stream<Row extends object = Record<string, unknown>>(
    statement: string,
    parameters: readonly unknown[] = [],
    options: QueryOptions = {},
  ): RowStream<Row> {
    const { opening, shape, waiting } = this.#call(statement, parameters, options);
    return new RowStream<Row>(this.#settings.connection, opening, shape, waiting);
  }

  #call(statement: string, parameters: readonly unknown[], options: QueryOptions) {
    const { session, types, defaults } = this.#settings;
    const action = { kind: "postgres.query", resource: this.name, statement, parameters } as const;
    const asking = { ...options, reason: options.reason ?? defaults.reason ?? "" };
    return {
      opening: { type: "execute", submit: toSubmit(action, asking, session) } satisfies Opening,
      shape: { mode: options.rowMode ?? "object", types },
      waiting: { ...options, timeout: options.timeout ?? defaults.timeout },
    };
  }
}

/** A result's rows, one after the other. */
export class RowStream<Row extends object> extends PullStream<Row> {
  #summary: Summary | undefined;

  constructor(connection: Connection, opening: Opening, shape: Shape, waiting: Waiting) {
    super((stream) => this.#follow(stream, connection, opening, shape, waiting));
  }

  /** What is known of the statement; there once the last row was given. */
  get summary(): Summary | undefined {
    return this.#summary;
  }

  #follow(stream: PullStream<Row>, connection: Connection, opening: Opening, shape: Shape, waiting: Waiting): Source {
    const assembly = new Assembly<Row>(shape.mode, shape.types);
    return follow(connection, opening, waiting, {
      event: (event) => {
        const chunk = assembly.take(event);
        if (chunk !== undefined) {
          stream.push(() => {
            const rows: Row[] = [];
            assembly.read(chunk, rows);
            return rows;
          });
        }
        if (event.event?.$case !== "done") return;
        const outcome = assembly.outcome(event.event.value, event.requestId, []);
        const { state, resultGone, rows, error, ...summary } = outcome;
        this.#summary = summary;
        const failure = failureOf(outcome);
        stream.end(failure && { error: failure });
      },
      failed: (error) => stream.end({ error }),
    });
  }
}
