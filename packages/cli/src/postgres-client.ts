import { resolve } from "node:path";
import type { ListenerAddress } from "@countersign/sidecar";
import type { AgentOptions } from "./agent.ts";
import { connectAgent } from "./agent.ts";
import { hostAndPort } from "./config/agents.ts";
import { CliError, exitCodes } from "./exit.ts";
import { type Addresses, dataFolder, readAddresses } from "./instance.ts";
import { readText } from "./named-file.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** How a command for PostgreSQL's clients is told what it is about. */
export interface PostgresClientOptions extends Omit<AgentOptions, "address"> {
  readonly role?: string;
  /** Of a listener for PostgreSQL's clients: a socket's path, or host:port with TLS. */
  readonly address?: string;
}

/** All that a client of PostgreSQL needs to be the agent. */
export interface PostgresClient {
  readonly listener: ListenerAddress;
  readonly resource: string;
  readonly role: string;
  readonly token: string | undefined;
  /** The file of {@link ListenerAddress} `tls.ca`, for clients that read it themselves. */
  readonly caFile: string | undefined;
}

/**
 * Finds the listener, the role and the token for a resource: at `--address`, else at the running instance; `--role`, else the first that the
 * configuration names.
 *
 * @throws {CliError} unreachable, when nothing listens; usage, for a resource or a role that there is not, and for a token that is missing.
 */
export async function postgresClient(
  terminal: Terminal,
  resource: string,
  options: PostgresClientOptions,
): Promise<PostgresClient> {
  const token = terminal.env.COUNTERSIGN_TOKEN || undefined;
  const caFile = options.tlsCa === undefined ? undefined : resolve(terminal.cwd, options.tlsCa);
  const found = options.address === undefined ? await runningListener(terminal, options, token) : { address: options.address };
  const ca = caFile === undefined ? undefined : await readText(caFile, "the certificate authority");
  const listener = listenerAddress(found.address, "tls" in found ? found.tls : true, ca);
  return { listener, resource, role: options.role ?? (await firstRole(terminal, resource, options)), token, caFile };
}

async function runningListener(
  terminal: Terminal,
  options: PostgresClientOptions,
  token: string | undefined,
): Promise<Addresses["postgres"][number]> {
  const { postgres } = await readAddresses(dataFolder(terminal, options));
  if (postgres.length === 0) {
    const message =
      "Countersign runs, but listens for no PostgreSQL clients.\nAdd `postgres: [{ unix: postgres }]` below `sidecar` in countersign.yaml, and restart `countersign up`.";
    throw new CliError(exitCodes.unreachable, message);
  }
  // A token is never ignored: where a socket stands for somebody, nobody would look at it.
  const fitting = postgres.find(({ needsToken }) => needsToken === (token !== undefined));
  if (fitting !== undefined) return fitting;
  throw new CliError(
    exitCodes.usage,
    token === undefined
      ? "The listener takes agents with a token only. Set COUNTERSIGN_TOKEN; in development `countersign token --subject NAME` makes one."
      : "No listener takes a token: whoever opens their sockets is the configured principal. Unset COUNTERSIGN_TOKEN, or configure a listener without `principal`.",
  );
}

async function firstRole(terminal: Terminal, resource: string, options: PostgresClientOptions): Promise<string> {
  if (options.address !== undefined)
    throw new CliError(exitCodes.usage, "With --address say which role of the resource you want: --role ROLE.");
  const { address: _, ...agent } = options;
  await using client = await connectAgent(terminal, agent);
  const resources = await client.resources();
  const databases = resources.filter(({ type }) => type === "postgres");
  const [role] = databases.find(({ name }) => name === resource)?.roles ?? [];
  if (role !== undefined) return role;
  const names = databases.map(({ name }) => name).join(", ") || "none";
  throw new CliError(exitCodes.usage, `There is no PostgreSQL resource ${JSON.stringify(resource)}; there is ${names}.`);
}

function listenerAddress(address: string, tls: boolean, ca: string | undefined): ListenerAddress {
  const unix = /^(?:unix:(?:\/\/)?)?(\/.*)$/.exec(address)?.[1];
  if (unix !== undefined) return { type: "unix", path: unix };
  const { host, port } = hostAndPort(address);
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new CliError(exitCodes.usage, `--address ${JSON.stringify(address)} is not HOST:PORT or the path of a socket.`);
  return { type: "tcp", host, port, ...(tls && { tls: { ca } }) };
}
