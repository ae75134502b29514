/** Why a client does not get in, in PostgreSQL's terms. Its message and hint are for the client. */
export class StartUpRefusal extends Error {
  override readonly name = "StartUpRefusal";
  /** Five characters, PostgreSQL's Appendix A. */
  readonly sqlState: string;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(sqlState: string, message: string, hint?: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.sqlState = sqlState;
    this.hint = hint;
  }
}

/** The client broke the protocol. */
export function protocolViolation(message: string): StartUpRefusal {
  return new StartUpRefusal("08P01", message);
}
