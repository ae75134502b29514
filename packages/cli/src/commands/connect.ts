import { randomBytes } from "node:crypto";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import type { PostgresClientOptions } from "../postgres-client.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withPostgresClient } from "./command.ts";

interface ConnectOptions extends PostgresClientOptions {
  readonly port: string;
  readonly print?: true;
}

/** `countersign connect` */
export const connectCommand: MakeCommand = (context) =>
  withPostgresClient(
    describe(
      "connect <RESOURCE>",
      "open a local port to a resource, as an agent",
      "Opens a port on 127.0.0.1 for any PostgreSQL client, and prints its connection string. Whoever has that string is you until Ctrl-C;\nthe password in it is made for this run, your token never leaves this process. With --print nothing is opened: the connection string is the\nlistener's own, with your token in it.",
      [
        ["countersign connect orders-db"],
        ["countersign connect orders-db --role writer --port 6432"],
        ['psql "$(countersign connect orders-db --print)"'],
      ],
    )
      .option("--port <PORT>", "the local port (default: any that is free)", "0")
      .option("--print", "print a connection string to the listener, and end"),
  ).action(action(context, (resource: string, options: ConnectOptions) => connect(context.terminal, resource, options)));

async function connect(terminal: Terminal, resource: string, options: ConnectOptions): Promise<ExitCode> {
  const port = portOf(options.port);
  const [{ postgresClient }, { connectionParameters, connectionUrl }] = await Promise.all([
    import("../postgres-client.ts"),
    import("../connection-string.ts"),
  ]);
  const client = await postgresClient(terminal, resource, options);
  if (options.print) {
    line(terminal.stdout, connectionUrl(connectionParameters(client), client.token));
    return exitCodes.ok;
  }
  const { openLocalPort } = await import("@countersign/sidecar");
  const password = randomBytes(18).toString("base64url");
  const { listener, role, token } = client;
  await using local = await openLocalPort({ listener, resource, role, password, port, ...(token !== undefined && { token }) });
  const parameters = { host: "127.0.0.1", port: String(local.port), dbname: resource, user: role };
  line(terminal.stdout, connectionUrl(parameters, password));
  line(terminal.stderr, `Connected to ${resource} as ${role}. The port is open until Ctrl-C.`);
  return await interruptible(async (signal) => {
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    return exitCodes.ok;
  });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new CliError(exitCodes.usage, `--port ${JSON.stringify(text)} is not a port: a number up to 65535.`);
}
