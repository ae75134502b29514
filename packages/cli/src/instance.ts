import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { CliError, exitCodes } from "./exit.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** How a command is told which instance it is about. */
export interface InstanceOptions {
  readonly config?: string;
  readonly data?: string;
}

/** Where a running instance can be reached. Written to `run/addresses.json` of its data folder while it runs. */
const addressesSchema = z.object({
  /** The process that serves them. */
  pid: z.int(),
  /** gRPC addresses of the agents' listeners, e.g. `unix:///…/run/agent.sock`; the first is the default. */
  agent: z.tuple([z.string()], z.string()),
  /** What psql and drivers dial: `unix:///…/.s.PGSQL.5432` or `host:port`; the first is the default. */
  postgres: z.array(z.object({ address: z.string(), tls: z.boolean(), needsToken: z.boolean() })).default([]),
  ssh: z.array(z.object({ address: z.string(), hostKey: z.string() })).default([]),
  /** The base URL of each listener for HTTP clients. */
  http: z.array(z.object({ url: z.string() })).default([]),
  /** The server of each cluster for kubectl, and whom to trust when not the system's authorities (PEM). */
  kubernetes: z.array(z.object({ resource: z.string(), server: z.string(), ca: z.string().optional() })).default([]),
  /** gRPC address of the approver API. */
  approver: z.string(),
  /** Path of the operator's socket. */
  operator: z.string(),
  /** Base URL of the console. */
  console: z.string(),
  /** Names of the configured approvers. */
  approvers: z.array(z.string()),
});

/** Where a running instance can be reached. */
export type Addresses = z.infer<typeof addressesSchema>;

/** Where the addresses of a data folder's instance are written. */
export function addressesFile(dataFolder: string): string {
  return join(dataFolder, "run", "addresses.json");
}

/** The configuration file that a command means: `--config`, or `countersign.yaml` here. */
export function configFile(terminal: Terminal, options: InstanceOptions): string {
  return resolve(terminal.cwd, options.config ?? "countersign.yaml");
}

/**
 * The data folder that a command means: `--data` or COUNTERSIGN_DATA, else the configuration's `data`, else `./countersign-data`.
 *
 * @throws {CliError} usage, when a configuration was named that cannot be read.
 */
export function dataFolder(terminal: Terminal, options: InstanceOptions): string {
  if (options.data !== undefined) return resolve(terminal.cwd, options.data);
  const file = configFile(terminal, options);
  return resolve(dirname(file), configuredData(file, options.config !== undefined) ?? "countersign-data");
}

/** Only `data` is read here: a mistake elsewhere in the file must not keep an approver from denying a request. */
function configuredData(file: string, named: boolean): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!named) return undefined;
    throw new CliError(
      exitCodes.usage,
      `Cannot read the configuration ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const data: unknown = parseDocument(text, { logLevel: "silent" }).get("data");
  return typeof data === "string" ? data : undefined;
}

/**
 * The addresses of the instance that runs on a data folder.
 *
 * @throws {CliError} unreachable, when none does.
 */
export async function readAddresses(folder: string): Promise<Addresses> {
  const file = addressesFile(folder);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    throw new CliError(
      exitCodes.unreachable,
      `Countersign is not running on ${folder}.\nStart it with \`countersign up\`, or name its data folder with --data or COUNTERSIGN_DATA.`,
    );
  }
  const addresses = addressesSchema.safeParse(safeJson(text));
  if (addresses.success) return addresses.data;
  throw new CliError(exitCodes.unreachable, `${file} is damaged. Stop and start \`countersign up\`: it writes the file anew.`);
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
