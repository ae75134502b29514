import { spawn } from "node:child_process";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import type { PostgresClientOptions } from "../postgres-client.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withPostgresClient } from "./command.ts";

/** `countersign psql` */
export const psqlCommand: MakeCommand = (context) =>
  withPostgresClient(
    describe(
      "psql <RESOURCE> [ARGS...]",
      "start psql on a resource, as an agent",
      "Starts psql, connected to the sidecar: every statement is decided, held for approval where the policy says so, and recorded.\nWhat stands after -- is for psql. The exit status is psql's.",
      [
        ["countersign psql orders-db"],
        ['countersign psql orders-db --role writer -- -c "delete from orders where id = 42"', "waits until someone approves"],
      ],
    ),
  ).action(
    action(context, (resource: string, args: readonly string[], options: PostgresClientOptions) =>
      psql(context.terminal, resource, args, options),
    ),
  );

async function psql(
  terminal: Terminal,
  resource: string,
  args: readonly string[],
  options: PostgresClientOptions,
): Promise<ExitCode> {
  const [{ postgresClient }, { connectionParameters, keywordString }] = await Promise.all([
    import("../postgres-client.ts"),
    import("../connection-string.ts"),
  ]);
  const client = await postgresClient(terminal, resource, options);
  const { env } = terminal;
  const child = spawn("psql", ["-d", keywordString(connectionParameters(client)), ...args], {
    stdio: "inherit",
    env: {
      // Statements are read as UTF-8; psql would ask for something else where there is no locale.
      PGCLIENTENCODING: "UTF8",
      ...env,
      // Not on the command line, which everybody on the machine can read.
      ...(client.token !== undefined && { PGPASSWORD: client.token }),
    },
  });
  // Ctrl-C is for psql, which cancels the statement with it.
  const leave = (): void => {};
  process.on("SIGINT", leave);
  try {
    return await endOf(child);
  } finally {
    process.off("SIGINT", leave);
  }
}

async function endOf(child: ReturnType<typeof spawn>): Promise<ExitCode> {
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", (cause) => {
      const message = `psql cannot be started (${cause.message}). Install it: apt-get install postgresql-client, or brew install libpq.`;
      reject(new CliError(exitCodes.failure, message, { cause }));
    });
  });
  return Object.values(exitCodes).find((code) => code === status) ?? exitCodes.failure;
}
