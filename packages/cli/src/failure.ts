import { CliError, type ExitCode, exitCodes } from "./exit.ts";
import { visibleBlock } from "./terminal/escape.ts";

/** What a command that failed tells its caller. */
export interface Failure {
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Exit codes by the closed error codes of the other packages; any other code is a plain failure. */
const byCode: Readonly<Record<string, ExitCode>> = {
  denied: exitCodes.refused,
  expired: exitCodes.refused,
  cancelled: exitCodes.refused,
  revoked: exitCodes.refused,
  unknown_outcome: exitCodes.unknown,
  sidecar_unreachable: exitCodes.unreachable,
  control_plane_unavailable: exitCodes.unreachable,
  shutting_down: exitCodes.unreachable,
  aborted: exitCodes.interrupted,
  invalid_request: exitCodes.usage,
  corrupt: exitCodes.auditFailed,
  malformed: exitCodes.auditFailed,
};

/** Exit codes by the class of error, for those without a code. By name: the classes live in packages that most commands never load. */
const byName: Readonly<Record<string, ExitCode>> = {
  DocumentError: exitCodes.usage,
  PolicyError: exitCodes.usage,
};

/** The one place where an error becomes words and an exit code. */
export function explain(error: unknown): Failure {
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (!(error instanceof Error)) return { message: visibleBlock(String(error)), exitCode: exitCodes.failure };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // A message may quote what a server, a file or an agent sent.
  const message = visibleBlock(error.message);
  return { message, exitCode: byCode[code] ?? byName[error.name] ?? exitCodes.failure };
}
