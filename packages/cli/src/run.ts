import { CommanderError } from "commander";
import { type ExitCode, exitCodes } from "./exit.ts";
import { explain } from "./failure.ts";
import { createProgram } from "./program.ts";
import { line, paint, type Terminal } from "./terminal/terminal.ts";

/** Runs one command line and gives the exit code. What went wrong is told on standard error, in plain English. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = createProgram(terminal, (finished) => {
    code = finished;
  });
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    // Commander has already said what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const failure = explain(error);
    line(terminal.stderr, `${paint(terminal.stderr, "red", "countersign:")} ${failure.message}`);
    if (terminal.env.COUNTERSIGN_DEBUG && error instanceof Error) line(terminal.stderr, error.stack ?? "");
    return failure.exitCode;
  }
}
