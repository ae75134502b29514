/** What the exit status of every command means. Listed in `countersign --help` and in the package's README. */
export const exitCodes = {
  ok: 0,
  /** Anything that has no number of its own. */
  failure: 1,
  /** Wrong arguments or a bad configuration file: nothing was started. */
  usage: 2,
  /** The action was denied, expired, cancelled or revoked: it did not run. */
  refused: 3,
  /** The sidecar or the control plane cannot be reached. */
  unreachable: 4,
  /** The audit log is not what it should be. */
  auditFailed: 5,
  /** The action was sent, and nobody can tell whether it took effect. */
  unknown: 6,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One line for each exit code, for help texts. */
export const exitCodeHelp: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, "success"],
  [exitCodes.failure, "failure"],
  [exitCodes.usage, "wrong arguments or bad configuration"],
  [exitCodes.refused, "the action was denied, expired, cancelled or revoked; it did not run"],
  [exitCodes.unreachable, "the sidecar or the control plane cannot be reached"],
  [exitCodes.auditFailed, "the audit log failed verification"],
  [exitCodes.unknown, "the action was sent, but its outcome is unknown"],
  [exitCodes.interrupted, "interrupted"],
];

/** A failure that is told to the operator in plain English and ends the program with its exit code. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;

  /** @param message what is wrong, where, and how to fix it; may have several lines. */
  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
