import { Command, Option } from "commander";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** What every command is made with. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Told the exit code of the command that ran. */
  readonly finished: (code: ExitCode) => void;
}

/** Makes one command. Anything heavy is imported by its handler, so that help and completion stay quick. */
export type MakeCommand = (context: CommandContext) => Command;

/** A command line and, where it is not obvious, what it does. */
export type Example = readonly [commandLine: string, note?: string];

/** A command with its texts: the summary stands in the list of commands, the description and the examples in its own help. */
export function describe(
  nameAndArguments: string,
  summary: string,
  description: string,
  examples: readonly Example[] = [],
): Command {
  const [name = "", ...args] = nameAndArguments.split(" ");
  const command = new Command(name).summary(summary).description(description);
  for (const argument of args) command.argument(argument);
  if (examples.length === 0) return command;
  const lines = examples.map(([commandLine, note]) => `  $ ${commandLine}${note === undefined ? "" : `\n      ${note}`}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** Makes a handler into commander's action. Commander checks the shape of what it hands over; nothing given back means success. */
export function action<Arguments extends readonly unknown[]>(
  { finished }: CommandContext,
  handler: (...args: Arguments) => Promise<ExitCode | undefined> | Promise<void>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => finished((await handler(...args)) ?? exitCodes.ok);
}

/** Adds `--config` and `--data`. */
export function withInstance(command: Command): Command {
  return command
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml)")
    .addOption(
      new Option("--data <DIR>", "the data folder (default: the configuration's, or ./countersign-data)").env("COUNTERSIGN_DATA"),
    );
}

/** Adds `--as`, `--config` and `--data`. */
export function withApprover(command: Command): Command {
  return withInstance(
    command.option("--as <NAME>", "which approver you are (development; default: the only one, or your login name)"),
  );
}

/** Adds `--address`, `--tls-ca`, `--config` and `--data`. */
export function withAgent(command: Command): Command {
  return withInstance(
    command
      .addOption(
        new Option("--address <ADDRESS>", "the sidecar: unix:///…/agent.sock or host:port (default: the data folder's)").env(
          "COUNTERSIGN_ADDRESS",
        ),
      )
      .option("--tls-ca <FILE>", "who signed the certificate of a host:port (default: the system's authorities)"),
  );
}

/** Adds `--role`, `--address` of a PostgreSQL listener, `--tls-ca`, `--config` and `--data`. */
export function withPostgresClient(command: Command): Command {
  return withInstance(
    command
      .option("--role <ROLE>", "as which of the resource's roles (default: the first)")
      .option(
        "--address <ADDRESS>",
        "the sidecar's PostgreSQL listener: /…/.s.PGSQL.5432 or host:port (default: the data folder's)",
      )
      .option("--tls-ca <FILE>", "who signed the certificate of a host:port (default: the system's authorities)"),
  );
}

/** For an option that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of a duration such as `90s` or `8h`.
 *
 * @throws {CliError} usage.
 */
export function parseDuration(option: string, text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (units[unit] ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds > 0) return milliseconds;
  throw new CliError(
    exitCodes.usage,
    `${option} ${JSON.stringify(text)} is not a duration; write a number and a unit: 500ms, 90s, 10m, 8h or 7d.`,
  );
}
