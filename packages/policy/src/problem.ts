/** Something wrong in a file that a person wrote. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** What was found and what is expected. */
  readonly message: string;
}

/** A file cannot be used. `problems` is never empty; `message` lists them all, one a line, as `file:line:column: message`. */
export class DocumentError extends Error {
  override readonly name: string = "DocumentError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join("\n"));
    this.problems = problems;
  }
}

/** A policy cannot be used; see {@link DocumentError}. */
export class PolicyError extends DocumentError {
  override readonly name = "PolicyError";
}
