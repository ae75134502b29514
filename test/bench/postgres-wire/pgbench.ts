import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedPostgres } from "../../harness/postgres.ts";

/** A way to the database that is measured. */
export interface Way {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** How pgbench sends its statement. */
export type Mode = "simple" | "extended" | "prepared";

/** What libpq is told of a way. */
function libpq({ host, port, database, user, password }: Way): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH, PGHOST: host, PGPORT: String(port), PGDATABASE: database, PGUSER: user, PGPASSWORD: password };
}

/** A client program from Debian's packages. */
export function client(program: string): string {
  const path = join(installedPostgres() ?? "", program);
  return existsSync(path) ? path : program;
}

/** Fills pgbench's tables. */
export async function fill(way: Way, scale: number): Promise<void> {
  await finished(client("pgbench"), ["-i", "-q", "-s", String(scale)], way);
}

/** Selects by primary key a second (`pgbench -S`), with one thread for all connections. */
export async function selects(way: Way, mode: Mode, connections: number, seconds: number): Promise<number> {
  const args = ["-S", "-n", "-M", mode, "-c", String(connections), "-j", "1", "-T", String(seconds)];
  const text = await finished(client("pgbench"), args, way);
  const [, rate] = /^tps = ([\d.]+)/m.exec(text) ?? [];
  if (rate === undefined || !/^number of failed transactions: 0 /m.test(text))
    throw new Error(`pgbench by ${way.name}:\n${text}`);
  return Number(rate);
}

/** Times of single selects in milliseconds at a steady rate, from when each was sent. */
export async function selectTimes(way: Way, mode: Mode, connections: number, rate: number, seconds: number): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), "cs-pgbench-"));
  try {
    const args = ["-S", "-n", "-M", mode, "-c", String(connections), "-j", "1", "-T", String(seconds)];
    await finished(client("pgbench"), [...args, "-R", String(Math.round(rate)), "-l", `--log-prefix=${folder}/log`], way);
    const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n"));
    return lines.map((line) => {
      // client, number, time since it was due, script, epoch, µs, how late it was sent
      const [, , sinceDue, , , , late] = line.split(" ").map(Number);
      return ((sinceDue ?? 0) - (late ?? 0)) / 1000;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a client program to its end, with nothing on its input; gives what it printed. */
export async function finished(program: string, args: readonly string[], way: Way): Promise<string> {
  const child = spawn(program, args, { env: libpq(way), stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr.on("data", (data: Buffer) => (text += data.toString()));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? -1));
  });
  if (code !== 0) throw new Error(`${program} by ${way.name} ended with ${code}:\n${text}`);
  return text;
}
