import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Countersign } from "@countersign/sdk";
import { ordersPolicy, ordersSql, ordersTables } from "./orders.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

const root = new URL("../..", import.meta.url).pathname;
const cli = join(root, "packages/cli/bin/countersign.mjs");

/** The command starts whichever `node` is first on the PATH: the one that runs this. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` };
}

/** What `countersign up --json` says first. */
export interface Addresses {
  readonly console: string;
  readonly signIn: string;
  readonly agent: string;
  readonly approver: string;
  /** Every agents' listener, in the order of the configuration. */
  readonly agents: readonly string[];
  /** Every listener for PostgreSQL clients, in the order of the configuration. */
  readonly postgres: readonly { readonly address: string }[];
  /** Every listener for SSH clients. */
  readonly ssh: readonly { readonly address: string; readonly hostKey: string }[];
  /** Every listener for HTTP clients. */
  readonly http: readonly { readonly url: string }[];
  /** Every cluster at every listener for Kubernetes clients. */
  readonly kubernetes: readonly { readonly resource: string; readonly server: string; readonly ca?: string }[];
}

/** How an instance is made. */
export interface InstanceOptions {
  readonly policy?: string;
  /** More YAML for countersign.yaml, e.g. `limits: {…}`. */
  readonly config?: string;
  /** More YAML for the resource, e.g. `evidence: { role: reader }`. */
  readonly resource?: string;
  /** YAML for the resource's `pool`. */
  readonly pool?: string;
  /** Replaces `countersign up`: a program that takes the same arguments. */
  readonly program?: readonly string[];
  /** Where PostgreSQL is, when not where it really is, e.g. behind a relay. */
  readonly address?: string;
  readonly postgres?: Parameters<typeof startPostgres>[0];
  /** Further files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Uses another instance's database, and leaves it running. */
  readonly shares?: Instance;
}

/** Countersign as a user runs it: a real PostgreSQL, a configuration in a folder, and `countersign up` as a process of its own. */
export class Instance implements AsyncDisposable {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly #passwords: { readonly reader: string; readonly writer: string };
  readonly #options: InstanceOptions;
  #process: ChildProcess | undefined;
  #addresses: Addresses | undefined;
  #log = "";

  private constructor(
    folder: string,
    postgres: PostgresServer,
    passwords: { reader: string; writer: string },
    options: InstanceOptions,
  ) {
    this.folder = folder;
    this.postgres = postgres;
    this.#passwords = passwords;
    this.#options = options;
  }

  /** Makes the database and the configuration and starts Countersign. */
  static async start(options: InstanceOptions = {}): Promise<Instance> {
    const { shares } = options;
    const passwords = shares
      ? shares.#passwords
      : { reader: randomBytes(12).toString("hex"), writer: randomBytes(12).toString("hex") };
    const postgres = shares ? shares.postgres : await startPostgres({ ...options.postgres, sql: ordersSql(passwords) });
    const instance = new Instance(mkdtempSync(join(tmpdir(), "cs-")), postgres, passwords, options);
    try {
      if (shares === undefined) for (const statement of ordersTables) await postgres.query(statement, [], "orders");
      for (const [name, text] of Object.entries(options.files ?? {}))
        writeFileSync(join(instance.folder, name), text, { mode: 0o600 });
      instance.configure(options.policy ?? ordersPolicy);
      await instance.up();
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw error;
    }
  }

  get data(): string {
    return join(this.folder, "data");
  }

  /** The running instance's addresses. */
  get at(): Addresses {
    if (this.#addresses === undefined) throw new Error("The instance is not up");
    return this.#addresses;
  }

  /** What must never be seen outside the sidecar. */
  get secrets(): readonly string[] {
    return Object.values(this.#passwords);
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  /** What the process wrote to standard error so far. */
  get log(): string {
    return this.#log;
  }

  /** Writes the configuration; takes effect at the next {@link up}. */
  configure(policy: string): void {
    writeFileSync(join(this.folder, "policy.yaml"), policy);
    writeFileSync(join(this.folder, "countersign.yaml"), this.#config());
  }

  /** Starts the process and waits until it is ready. */
  async up(extra: { readonly program?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<void> {
    const [command = cli, ...args] = extra.program ?? this.#options.program ?? [cli];
    const child = spawn(
      command,
      [...args, "up", "--config", join(this.folder, "countersign.yaml"), "--data", this.data, "--json"],
      {
        env: { ...environment(), READER_PASSWORD: this.#passwords.reader, WRITER_PASSWORD: this.#passwords.writer, ...extra.env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#process = child;
    child.stderr?.on("data", (data: Buffer) => {
      this.#log += data.toString();
    });
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const first = await Promise.race([
      new Promise<string>((resolve) => lines.once("line", resolve)),
      new Promise<never>((_, reject) =>
        child.once("exit", (code, signal) => reject(new Error(`up ended with ${code ?? signal}: ${this.#log}`))),
      ),
    ]);
    this.#addresses = JSON.parse(first);
  }

  /** Ends the process and waits for its end; gives its exit code, or the signal's name. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? child?.signalCode ?? 0;
    const ended = new Promise<number | string>((resolve) => child.once("exit", (code, name) => resolve(code ?? name ?? "")));
    child.kill(signal);
    return ended;
  }

  /** Waits until the process has ended by itself. */
  async ended(): Promise<number | string> {
    const child = this.#process;
    if (child === undefined) return 0;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode ?? "";
    return new Promise((resolve) => child.once("exit", (code, name) => resolve(code ?? name ?? "")));
  }

  /** An agent's client. */
  client(options: Partial<ConstructorParameters<typeof Countersign>[0]> = {}): Countersign {
    return new Countersign({ address: this.at.agent, ...options });
  }

  /** Runs the `countersign` command against this instance. */
  async cli(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn(cli, args, {
      env: { ...environment(), COUNTERSIGN_DATA: this.data, NO_COLOR: "1" },
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
    return { code, stdout, stderr };
  }

  /** One value from the database, asked directly as the superuser. */
  async value(sql: string): Promise<unknown> {
    const [row] = await this.postgres.query(sql, [], "orders");
    return Object.values(row ?? {})[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    if (this.#options.shares === undefined) await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #config(): string {
    const { address = `127.0.0.1:${this.postgres.port}`, config = "", resource = "", pool = "{ max: 16 }" } = this.#options;
    return `version: 1
policy: policy.yaml
approvers:
  - { name: alice, groups: [dba-oncall] }
  - { name: bob, groups: [dba-oncall] }
  - { name: mallory, groups: [] }
resources:
  - name: orders-db
    type: postgres
    address: ${address}
    database: orders
    tls: disable
    pool: ${pool}
    roles:
      reader: { user: orders_reader, password: { env: READER_PASSWORD } }
      writer: { user: orders_writer, password: { env: WRITER_PASSWORD } }
${resource === "" ? "" : `    ${resource}\n`}${config}`;
  }
}
