import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Approver,
  loadParser,
  loadPolicy,
  type PostgresQuery,
  type Principal,
  type RequestSnapshot,
} from "@countersign/policy";
import { logOrigin } from "../../../packages/cli/src/log-origin.ts";
import { type EmbeddedControlPlane, openEmbeddedControlPlane } from "../../../packages/control/src/embedded.ts";
import { openEmbeddedLog } from "../../../packages/control/src/embedded-log.ts";
import { openKeys } from "../../../packages/control/src/keys.ts";
import { Classifier } from "../../../packages/sidecar/src/classifier.ts";
import { Guard, type GuardParts } from "../../../packages/sidecar/src/guard.ts";
import { Tokens } from "../../../packages/sidecar/src/identity/tokens.ts";
import { FailedLogins } from "../../../packages/sidecar/src/native/failed-logins.ts";
import { Journal } from "../../../packages/sidecar/src/native/journal.ts";
import type { NativeListener } from "../../../packages/sidecar/src/native/listener.ts";
import { Persistence } from "../../../packages/sidecar/src/persist.ts";
import { openPostgresConnector, postgresResourceSchema } from "../../../packages/sidecar/src/protocols/postgres/index.ts";
import { postgresListeners } from "../../../packages/sidecar/src/protocols/postgres/listener.ts";
import { clientGates } from "../../../packages/sidecar/src/protocols/postgres/wire/gate.ts";
import type { GateBounds } from "../../../packages/sidecar/src/protocols/postgres/wire/gate-parts.ts";
import { randomPool } from "../../../packages/sidecar/src/random-pool.ts";
import { Resources } from "../../../packages/sidecar/src/resources.ts";
import { type PostgresServer, type PostgresVersion, startPostgres } from "../../harness/postgres.ts";
import { NoResults } from "../../model/no-results.ts";
import { message } from "../postgres-wire/messages.ts";
import type { Door } from "../postgres-wire/psql.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";

/** Reads are free, deletes wait for a person, one table is nobody's. */
const gatePolicy = `version: 1
rules:
  - { id: free, effect: allow, role: writer }
  - { id: trusted, when: 'sql.functions.exists(f, f == "public.trusted")', effect: allow, role: writer, opaque: true }
  - { id: blocks, when: 'sql.kinds.exists(k, k == "DO")', effect: allow, role: writer, opaque: true }
  - id: deletes-wait
    when: sql.kinds.exists(k, k == "DELETE")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }] }
  - id: loads-wait
    when: sql.kinds.exists(k, k == "COPY FROM") && sql.writesTo.exists(t, t == "public.loaded")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }] }
  - id: streams-wait
    when: sql.kinds.exists(k, k == "COPY FROM") && sql.writesTo.exists(t, t == "public.streamed")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }], input: unseen }
  - id: keep-out
    when: sql.tables.exists(t, t == "public.forbidden")
    effect: deny
    message: That table is not for you.
  - { id: few-rows, when: 'sql.tables.exists(t, t == "public.many")', effect: allow, role: writer, limits: { rows: 10 } }
  - { id: few-bytes, when: 'sql.tables.exists(t, t == "public.wide")', effect: allow, role: writer, limits: { bytes: 1000 } }
  - { id: short, when: 'sql.tables.exists(t, t == "public.slow")', effect: allow, role: writer, limits: { time: 200ms } }
`;

/** A server for {@link openGateWorld}. */
export function startGateServer(version: PostgresVersion = "newest"): Promise<PostgresServer> {
  return startPostgres({
    version,
    sql: gateLogins,
    configuration: { fsync: "off" },
    access: ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256"],
  });
}

/** The login of the sessions, which owns what the tests use. */
const gateLogins = ["create role writer login password 'pw-writer-61'", "create role boss", "grant boss to writer"];

const tables = `
create table item (id int primary key, name text);
insert into item select g, 'item ' || g from generate_series(1, 100) g;
create table forbidden (id int);
create table many as select g as id, repeat('x', 20) as name from generate_series(1, 1000) g;
create table wide as select g as id, repeat('x', 300) as name from generate_series(1, 20) g;
create table slow (id int);
create table loaded (id int, name text);
create table streamed (id int, name text);
create function trusted(text) returns text language plpgsql as $$ begin execute $1; return 'done'; end $$;
`;

const dba: Approver = { issuer: "test", subject: "alice", groups: ["dba"] };
const agent: Principal = { issuer: "test", subject: "agent", groups: [], claims: {} };

/** How a {@link GateWorld} is made. */
export interface GateWorldOptions {
  readonly policy?: string;
  readonly bounds?: Partial<GateBounds>;
  readonly pool?: Readonly<Record<string, unknown>>;
  /** Where the server is reached, when there is something in between. */
  readonly port?: number;
}

/** A database, the gate in front of it, and its approver: all in this process, so that a test sees the same turn as the gate. */
export interface GateWorld extends AsyncDisposable {
  readonly plane: EmbeddedControlPlane<Awaited<ReturnType<typeof openEmbeddedLog>>>;
  readonly listener: NativeListener;
  /** Through the gate. */
  readonly door: Door;
  /** Past it, as the same login. */
  readonly direct: Door;
  /** What the gate called a defect of its own. */
  readonly defects: readonly unknown[];
  readonly firstPolicy: string;
  /** Changes what is decided from now on. */
  setPolicy(text: string): void;
  /** The one request that is waiting. */
  held(): Promise<RequestSnapshot>;
  approve(id: string): Promise<void>;
  deny(id: string): Promise<void>;
  /** Puts another operation in the place of a held one. */
  edit(
    request: { readonly binding: { readonly requestId: string }; readonly requestDigest: string },
    operation: PostgresQuery,
  ): Promise<unknown>;
  /** Locks the agent of these tests. */
  lock(): Promise<unknown>;
  /** What the log has of a request, in order. */
  records(id: string): Promise<readonly { readonly type: string; readonly detail: Readonly<Record<string, unknown>> }[]>;
}

/** Opens one on a database of its own in a running server. */
export async function openGateWorld(server: PostgresServer, options: GateWorldOptions = {}): Promise<GateWorld> {
  await using parts = new AsyncDisposableStack();
  const database = `gate_${randomBytes(4).toString("hex")}`;
  await server.query(`create database ${database} owner writer`);
  const direct: Door = { ...server.connection(database, "writer"), host: server.folder, options: "-c search_path=public" };
  using first = await RawClient.open(direct);
  const failed = (await first.ask(message.query(tables))).find(({ type }) => type === "E");
  if (failed) throw new Error(failed.body.toString());
  const folder = mkdtempSync(join(tmpdir(), "cs-gate-"));
  parts.defer(() => rmSync(folder, { recursive: true }));
  const keys = openKeys(folder);
  const openLog = () => openEmbeddedLog(folder, keys, logOrigin(keys.log.publicKey));
  await loadParser();
  const plane = parts.use(await openEmbeddedControlPlane({ folder, keys, openLog }));
  const resource = postgresResourceSchema.parse({
    ...{ name: "orders-db", type: "postgres", address: `127.0.0.1:${options.port ?? server.port}`, database, tls: "disable" },
    roles: { writer: { user: "writer", password: { env: "WRITER" } } },
    pool: { max: 20, ...options.pool },
  });
  const connector = openPostgresConnector(resource, { folder: "/", env: { WRITER: "pw-writer-61" } });
  parts.defer(() => connector.close());
  const defects: unknown[] = [];
  const onInternalError = (error: unknown) => defects.push(error);
  const { requests, audit, revocations, grants, evidence, now } = plane;
  const random = randomPool();
  const resources = new Resources([
    { name: "orders-db", type: "postgres", labels: {}, roles: ["writer"], searchPath: ["public"], connector },
  ]);
  const journal = parts.use(
    await Journal.open({
      ...{
        folder: join(folder, "journal"),
        key: randomBytes(32),
        audit,
        writer: "local",
        strict: false,
        now,
        random,
        onInternalError,
      },
      target: (_, role) => connector.target(role),
    }),
  );
  let policy = loadPolicy({ "policy.yaml": options.policy ?? gatePolicy });
  const guardParts: GuardParts = {
    ...{ requests, audit, revocations, grants, evidence, now, writer: "local", policy: () => policy, random, resources },
    ...{ results: new NoResults(now), onStep: () => {}, voteKey: keys.vote.publicKey, strict: false, graceMs: 0 },
    classifier: parts.use(new Classifier()),
    persistence: parts.use(new Persistence()),
    limits: { statementBytes: 1024 * 1024, parameterBytes: 4 * 1024 * 1024, pendingPerPrincipal: 1000 },
    passages: (connection) => journal.passages(connection),
    approvalUrl: (id) => `https://console/requests/${id}`,
  };
  const guard = new Guard(guardParts);
  parts.defer(() => guard.close());
  plane.edits.connect((...edit) => guard.redraft(...edit));
  const [open] = postgresListeners({
    bounds: { connections: 1000, connectionsPerPrincipal: 1000 },
    gates: (host) => clientGates(host, options.bounds),
    listen: [{ address: { type: "unix", path: join(folder, "s", ".s.PGSQL.5432") }, identity: agent }],
  });
  const { publicKey } = generateKeyPairSync("ed25519");
  const issuer = {
    ...{ issuer: "test", audience: "test", algorithms: ["EdDSA"] as const },
    keys: { type: "local", getKey: async () => publicKey } as const,
  };
  const tokens = new Tokens([{ ...issuer, algorithms: ["EdDSA"] }], now);
  const { approvalUrl } = guardParts;
  const record = () => {
    throw new Error("records no session");
  };
  const failedLogins = new FailedLogins({ audit, writer: "local", now });
  const listener = await open?.({
    ...{ guard, resources, journal, tokens, failedLogins, record, approvalUrl, now, random, onInternalError },
  });
  if (listener === undefined) throw new Error("no listener");
  parts.defer(() => listener.close(0));
  const running = parts.move();
  const held = async (): Promise<RequestSnapshot> => {
    for (let tries = 0; tries < 500; tries++) {
      const request = (await requests.list({ unfinishedOf: "local" })).find(({ state }) => state === "pending");
      if (request) return request;
      await sleep(10);
    }
    throw new Error("nothing is held");
  };
  const vote = async (id: string, verdict: "approve" | "deny"): Promise<void> => {
    const { request } = await plane.approvals.get(id);
    await plane.approvals.vote(id, { requestDigest: request.requestDigest, verdict, comment: "" }, dba);
  };
  return {
    ...{ plane, listener, direct, defects, held, firstPolicy: options.policy ?? gatePolicy },
    door: { host: join(folder, "s"), port: 5432, database: "orders-db", user: "writer", password: "" },
    setPolicy: (text) => {
      policy = loadPolicy({ "policy.yaml": text });
    },
    approve: (id) => vote(id, "approve"),
    deny: (id) => vote(id, "deny"),
    edit: ({ binding, requestDigest }, operation) =>
      plane.edits.propose(binding.requestId, { requestDigest, operation, comment: "another one" }, dba),
    lock: () => plane.revoking.lock({ type: "principal", issuer: agent.issuer, subject: agent.subject }, dba, "a test"),
    async records(id) {
      return (await audit.recordsOf(id)).map((bytes) => JSON.parse(Buffer.from(bytes).toString()));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
