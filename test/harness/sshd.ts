import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = "/usr/sbin/sshd";

/** How a server is made. */
export interface SshdOptions {
  /** Further lines of sshd_config. */
  readonly config?: readonly string[];
  /** Public keys, as lines, that may log in. */
  readonly authorizedKeys?: readonly string[];
  /** Authorities of users that it trusts, as lines. */
  readonly trustedAuthorities?: readonly string[];
  /** The name that an authority certifies for its host key; without it there is no certificate. */
  readonly certifiedAs?: string;
}

/** OpenSSH's sshd on a free port of 127.0.0.1, with keys of its own. */
export class Sshd implements AsyncDisposable {
  readonly folder: string;
  /** Who may log in: whoever runs the tests, but not root, of whom sshd takes no signals. */
  readonly user: string;
  /** A folder that belongs to the user. */
  readonly home: string;
  port = 0;
  #process: ChildProcess | undefined;
  #log = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, "home");
    const account = ordinaryAccount();
    this.user = account.name;
    mkdirSync(this.home);
    if (process.getuid?.() === 0) chownSync(this.home, account.uid, account.gid);
  }

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const server = new Sshd(mkdtempSync(join(tmpdir(), "cs-sshd-")));
    try {
      server.#configure(options);
      await server.#listen();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The line of its host key. */
  get hostKey(): string {
    return readFileSync(join(this.folder, "host_key.pub"), "utf8").trim();
  }

  /** The line of the authority that certifies its host key. */
  get hostAuthority(): string {
    return readFileSync(join(this.folder, "host_ca.pub"), "utf8").trim();
  }

  /** What it has said so far. */
  get log(): string {
    return this.#log;
  }

  /** Makes a key pair without a passphrase and gives the path of its private key. */
  keyPair(name: string, type = "ed25519"): string {
    const path = join(this.folder, name);
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", name, "-f", path]);
    return path;
  }

  /** Which keys may log in, from the next login on. */
  authorize(lines: readonly string[]): void {
    this.#write("authorized_keys", lines);
  }

  /** Which authorities it trusts from the next login on. */
  trust(lines: readonly string[]): void {
    this.#write("user_ca", lines);
  }

  /** Stops it; `restart` brings it back on the same port. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await ended;
  }

  /** Starts it again on the same port, with another host key where asked. */
  async restart({ newHostKey = false } = {}): Promise<void> {
    await this.stop();
    if (newHostKey) {
      for (const name of ["host_key", "host_key.pub"]) rmSync(join(this.folder, name));
      this.keyPair("host_key");
    }
    await this.#listen(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configure({ config = [], authorizedKeys = [], trustedAuthorities = [], certifiedAs }: SshdOptions): void {
    // sshd as root wants this folder for its unprivileged part.
    if (process.getuid?.() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { mode: 0o755 });
    // sshd reads authorized_keys as the user who logs in.
    chmodSync(this.folder, 0o755);
    this.keyPair("host_key");
    if (certifiedAs !== undefined) {
      this.keyPair("host_ca");
      const [authority, key] = [join(this.folder, "host_ca"), join(this.folder, "host_key.pub")];
      execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "host", "-h", "-n", certifiedAs, "-V", "-5m:+1h", key]);
    }
    this.authorize(authorizedKeys);
    this.trust(trustedAuthorities);
    this.#write("sshd_config", [
      `HostKey ${join(this.folder, "host_key")}`,
      ...(certifiedAs === undefined ? [] : [`HostCertificate ${join(this.folder, "host_key-cert.pub")}`]),
      `AuthorizedKeysFile ${join(this.folder, "authorized_keys")}`,
      `TrustedUserCAKeys ${join(this.folder, "user_ca")}`,
      ...config,
      "PidFile none",
      // Without PAM it takes the accounts of servers for locked.
      `UsePAM ${process.getuid?.() === 0 ? "yes" : "no"}`,
      "StrictModes no",
      // So that bash does not take the start files of whoever runs the tests for those of a login.
      "SetEnv SHLVL=2",
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "LogLevel VERBOSE",
      "MaxStartups 200",
      "Subsystem sftp internal-sftp",
    ]);
  }

  async #listen(fixed?: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.port = fixed ?? (await freePort());
      const child = spawn(program, ["-D", "-e", "-f", join(this.folder, "sshd_config"), "-o", `ListenAddress=${this.address}`], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      this.#process = child;
      child.stderr?.on("data", (data: Buffer) => {
        this.#log += data.toString();
      });
      while (child.exitCode === null && child.signalCode === null) {
        if (await answers(this.port)) return;
        await sleep(20);
      }
      if (attempt === 20) throw new Error(`sshd did not start:\n${this.#log}`);
    }
  }

  #write(name: string, lines: readonly string[]): void {
    writeFileSync(join(this.folder, name), lines.map((line) => `${line}\n`).join(""), { mode: 0o644 });
  }
}

/** As root: the account of PostgreSQL, which has a shell and which the tests need anyway. */
function ordinaryAccount(): { readonly name: string; readonly uid: number; readonly gid: number } {
  const { username, uid, gid } = userInfo();
  if (uid !== 0) return { name: username, uid, gid };
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const entry = accounts.find(([name, , , , , , shell]) => name === "postgres" && shell?.endsWith("sh"));
  return entry === undefined ? { name: username, uid, gid } : { name: "postgres", uid: Number(entry[2]), gid: Number(entry[3]) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1");
  return address.port;
}

/** Whether it is an SSH server that answers there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("SSH-2.0"));
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
