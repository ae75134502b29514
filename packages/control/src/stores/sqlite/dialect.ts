import { type DatabaseConnection, SqliteAdapter, SqliteDialect, SqliteDriver } from "kysely";

/**
 * Kysely's SQLite dialect with a queue for its one connection. Kysely's own lock wakes everybody who waits whenever it is released: ten
 * thousand queries that wait together cost ten thousand times ten thousand wake-ups. Here each wakes the next.
 */
export class QueuedSqliteDialect extends SqliteDialect {
  readonly #config: ConstructorParameters<typeof SqliteDialect>[0];

  constructor(config: ConstructorParameters<typeof SqliteDialect>[0]) {
    super(config);
    this.#config = config;
  }

  override createDriver(): SqliteDriver {
    return new QueuedDriver(this.#config);
  }

  override createAdapter(): SqliteAdapter {
    return new QueuedAdapter();
  }
}

/** Says that connections need no lock of Kysely's: the driver has its own. */
class QueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class QueuedDriver extends SqliteDriver {
  #last: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  override async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    this.#release = resolve;
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    this.#release();
  }
}
