import { spawn } from "node:child_process";
import { generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentAudience, developmentIssuer, signDevelopmentToken } from "../../../packages/control/src/development-issuer.ts";
import { Tokens } from "../../../packages/sidecar/src/identity/tokens.ts";
import type { FailedLogin } from "../../../packages/sidecar/src/native/failed-logins.ts";
import type { NativeListener } from "../../../packages/sidecar/src/native/listener.ts";
import {
  openPostgresConnector,
  type PostgresTarget,
  postgresResourceSchema,
} from "../../../packages/sidecar/src/protocols/postgres/index.ts";
import {
  type PostgresListen,
  type PostgresListenersOptions,
  postgresListeners,
} from "../../../packages/sidecar/src/protocols/postgres/listener.ts";
import { Resources } from "../../../packages/sidecar/src/resources.ts";
import type { PostgresServer } from "../../harness/postgres.ts";
import { passThrough, type Seen } from "./pass-through.ts";

const passwords = { READER: "pw-reader-61", WRITER: "pw-writer-61" };

/** The logins of the tests. */
export const logins = [
  `create role reader login password '${passwords.READER}'`,
  `create role writer login password '${passwords.WRITER}'`,
  "create table item (id int primary key, name text)",
  "insert into item select g, 'item ' || g from generate_series(1, 100) g",
  "grant select on item to reader, writer",
];

/** How a world is made. */
export interface WorldOptions extends Partial<Pick<PostgresListenersOptions, "bounds" | "startUpMs">> {
  readonly listen?: PostgresListen;
  /** More of the Unix socket that is listened on when nothing else is said. */
  readonly socket?: Partial<PostgresListen>;
  /** More of the resource, e.g. `{ pool: {…} }`. */
  readonly resource?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a program said. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A listener in front of a real server, with agents' tokens; behind start-up every byte passes. */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly seen: Seen = { cancels: [], gone: [] };
  readonly defects: unknown[] = [];
  /** Who was not let in. */
  readonly failed: FailedLogin[];
  readonly target: PostgresTarget;
  readonly listener: NativeListener;
  readonly #keys: KeyPairKeyObjectResult;

  private constructor(
    folder: string,
    keys: KeyPairKeyObjectResult,
    target: PostgresTarget,
    listener: NativeListener,
    seen: Seen,
    defects: unknown[],
    failed: FailedLogin[],
  ) {
    this.folder = folder;
    this.#keys = keys;
    this.target = target;
    this.listener = listener;
    this.seen = seen;
    this.defects = defects;
    this.failed = failed;
  }

  static async open(
    server: PostgresServer,
    { resource = {}, env = passwords, socket = {}, ...options }: WorldOptions = {},
  ): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "cs-in-"));
    const keys = generateKeyPairSync("ed25519");
    const parsed = postgresResourceSchema.parse({
      name: "orders-db",
      type: "postgres",
      address: `127.0.0.1:${server.port}`,
      database: "postgres",
      tls: "disable",
      roles: {
        reader: { user: "reader", password: { env: "READER" } },
        writer: { user: "writer", password: { env: "WRITER" } },
      },
      ...resource,
    });
    const target = openPostgresConnector(parsed, { folder: "/", env });
    const seen: Seen = { cancels: [], gone: [] };
    const defects: unknown[] = [];
    const failed: FailedLogin[] = [];
    const { listen = { address: { type: "unix", path: join(folder, "s", ".s.PGSQL.5432") }, ...socket }, ...rest } = options;
    const [open] = postgresListeners({
      bounds: { connections: 100, connectionsPerPrincipal: 50 },
      gates: () => passThrough(seen),
      ...rest,
      listen: [listen],
    });
    const issuer = {
      issuer: developmentIssuer,
      audience: agentAudience,
      algorithms: ["EdDSA"],
      keys: { type: "local", getKey: async () => keys.publicKey },
    } as const;
    const listener = await open?.({
      guard: {
        native: () => {
          throw new Error("decides nothing");
        },
        execute: () => {
          throw new Error("runs nothing");
        },
        watch: () => {
          throw new Error("watches nothing");
        },
      },
      resources: new Resources([{ name: parsed.name, type: "postgres", labels: {}, roles: target.roles, connector: target }]),
      journal: { afterFlush: ({ flushed }) => flushed() },
      tokens: new Tokens([issuer], Date.now),
      record: () => {
        throw new Error("records no session");
      },
      failedLogins: { note: (login) => void failed.push(login) },
      approvalUrl: () => "",
      now: Date.now,
      random: randomBytes,
      onInternalError: (error) => defects.push(error),
    });
    if (listener === undefined) throw new Error("no listener");
    return new World(folder, keys, target, listener, seen, defects, failed);
  }

  /** An agent's token. */
  token(subject = "agent", lifetimeSeconds = 600): Promise<string> {
    return signDevelopmentToken(
      { subject, audience: agentAudience, nowMs: Date.now(), lifetimeSeconds, claims: {} },
      this.#keys.privateKey,
    );
  }

  /** What libpq takes for host and port. */
  get at(): { readonly host: string; readonly port: number } {
    const { address } = this.listener;
    const unix = /^unix:\/\/(.*)\/\.s\.PGSQL\.(\d+)$/.exec(address);
    if (unix?.[1]) return { host: unix[1], port: Number(unix[2]) };
    const colon = address.lastIndexOf(":");
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  }

  /** Runs psql: a connection string without host and port, a statement, and the environment. */
  psql(connection: string, sql: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const { host, port } = this.at;
    const args = ["-X", "-A", "-t", "-v", "VERBOSITY=verbose", `host=${host} port=${port} ${connection}`, "-c", sql];
    return run("psql", args, { PGCONNECT_TIMEOUT: "10", ...env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.close(1000);
    await this.target.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = "",
): Promise<Ran> {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", LC_ALL: "C.UTF-8", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) =>
    child.once("error", reject).once("close", (status) => resolve(status ?? -1)),
  );
  return { code, stdout, stderr };
}
