import type { ExitCode } from "../../exit.ts";
import { exitCodes } from "../../exit.ts";
import { line, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";

interface CheckOptions {
  readonly config?: string;
}

/** `countersign policy check` */
export const checkCommand: MakeCommand = (context) =>
  describe(
    "check [FILE...]",
    "say whether policy files are right",
    "Checks policy files (default: those of the configuration) and prints every mistake as file:line:column: message.",
    [["countersign policy check"], ["countersign policy check policy.yaml team/*.yaml"]],
  )
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no FILE is given)")
    .action(action(context, (files: readonly string[], options: CheckOptions) => check(context.terminal, files, options)));

async function check(terminal: Terminal, files: readonly string[], options: CheckOptions): Promise<ExitCode> {
  const { openPolicy } = await import("./policy-files.ts");
  const { policy } = await openPolicy(terminal, { ...options, ...(files.length > 0 && { policy: files }) });
  line(terminal.stdout, `${Object.keys(policy.files).length} files: ok`);
  return exitCodes.ok;
}
