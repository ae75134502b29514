import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Way } from "./pgbench.ts";

/** pgbouncer in session mode in front of a database, as Debian packages it. */
export class Pooler implements AsyncDisposable {
  readonly way: Way;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(way: Way, folder: string, process: ChildProcess) {
    this.way = way;
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts it for one login. */
  static async open(direct: Way): Promise<Pooler> {
    const folder = mkdtempSync(join(tmpdir(), "cs-pooler-"));
    const port = await freePort();
    const users = join(folder, "users.txt");
    const settings = [
      "[databases]",
      `${direct.database} = host=${direct.host} port=${direct.port}`,
      "[pgbouncer]",
      ...[
        "listen_addr = 127.0.0.1",
        `listen_port = ${port}`,
        "unix_socket_dir =",
        "pool_mode = session",
        "default_pool_size = 40",
      ],
      ...["auth_type = scram-sha-256", `auth_file = ${users}`, "max_client_conn = 200", `logfile = ${join(folder, "log")}`],
      ...["log_connections = 0", "log_disconnections = 0", "ignore_startup_parameters = extra_float_digits"],
    ];
    writeFileSync(users, `"${direct.user}" "${direct.password}"\n`);
    writeFileSync(join(folder, "pgbouncer.ini"), `${settings.join("\n")}\n`);
    const account = unprivileged();
    for (const path of [folder, users, join(folder, "pgbouncer.ini")])
      if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid);
    const program = existsSync("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer";
    const child = spawn(program, ["-q", join(folder, "pgbouncer.ini")], { ...account, stdio: "ignore" });
    const pooler = new Pooler({ ...direct, name: "pgbouncer", host: "127.0.0.1", port }, folder, child);
    await pooler.#listening(port);
    return pooler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #listening(port: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await accepts(port)) return;
      await sleep(50);
    }
    const log = join(this.#folder, "log");
    const why = existsSync(log) ? readFileSync(log, "utf8") : "it left no log";
    await this[Symbol.asyncDispose]();
    throw new Error(`pgbouncer did not start: ${why}`);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** pgbouncer does not run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const fields = users.map((line) => line.split(":")).find(([name]) => name === "postgres" || name === "nobody");
  return { uid: Number(fields?.[2]), gid: Number(fields?.[3]) };
}
