import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where psql connects to. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Start-up options (`PGOPTIONS`), e.g. `-c search_path=public`. */
  readonly options?: string;
}

/** What a program wrote, and how it ended. */
export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** The folder of the scripts, in whose name psql reports errors. */
export const scriptFolder = fileURLToPath(new URL("scripts/", import.meta.url));

/** The scripts, in the order in which they build on each other. */
export const scripts: readonly string[] = readdirSync(scriptFolder)
  .filter((name) => name.endsWith(".sql"))
  .sort();

/** What libpq needs to know about a door. Nothing of the caller's own settings gets through. */
export function libpqEnvironment(door: Door): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return {
    ...{ PATH, LC_ALL: "C.UTF-8", TZ: "UTC", COLUMNS: "120", PSQL_PAGER: "" },
    PGHOST: door.host,
    PGPORT: String(door.port),
    PGDATABASE: door.database,
    PGUSER: door.user,
    PGPASSWORD: door.password,
    PGCONNECT_TIMEOUT: "10",
    ...(door.options === undefined ? {} : { PGOPTIONS: door.options }),
  };
}

/** Runs a program to its end; gives everything that it wrote. */
export async function ran(program: string, args: readonly string[], door: Door, input = ""): Promise<Ran> {
  const child = spawn(program, args, { cwd: scriptFolder, env: libpqEnvironment(door), stdio: ["pipe", "pipe", "pipe"] });
  const parts = { out: [] as Buffer[], err: [] as Buffer[] };
  child.stdout.on("data", (data: Buffer) => parts.out.push(data));
  child.stderr.on("data", (data: Buffer) => parts.err.push(data));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? -1));
  });
  return { out: Buffer.concat(parts.out).toString(), err: Buffer.concat(parts.err).toString(), code };
}

/** Runs psql without anybody's psqlrc. */
export function psql(door: Door, args: readonly string[], input = ""): Promise<Ran> {
  return ran("psql", ["-X", ...args], door, input);
}

/**
 * Takes out what differs between two runs by nature, and nothing else: the process id of the backend that sent a notification, and from
 * which port a connection came.
 */
export function normalised(text: string): string {
  return text.replaceAll(/(received from server process with PID )\d+/g, "$1<pid>");
}
