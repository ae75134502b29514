/** What a client gets for bytes that PostgreSQL would not accept either. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly sqlstate: string;
  /** Nothing after it can be read: the connection ends. */
  readonly fatal: boolean;

  constructor(sqlstate: string, message: string, fatal = false) {
    super(message);
    this.sqlstate = sqlstate;
    this.fatal = fatal;
  }
}
