import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, Limits, Outcome, PostgresParameter } from "@countersign/policy";
import type { Connector, ResultChunk, ResultSink } from "@countersign/sidecar";
import { afterAll, beforeAll } from "vitest";
import { decodeRows } from "../../../packages/sidecar/src/protocols/postgres/codec.ts";
import { openPostgresConnector, postgresResourceSchema } from "../../../packages/sidecar/src/protocols/postgres/index.ts";
import { testAuthority } from "../../harness/certificate.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../../harness/postgres.ts";

export const password = "pw-writer-73";
export const authority = testAuthority("db.test");

/** The world of these tests: a login that owns a schema, and one that only reads. */
export const world = [
  `create role writer login password '${password}'`,
  "create role reader login password 'pw-reader-73'",
  "create schema app authorization writer",
  "grant usage on schema app to reader",
  "create table app.item (id int primary key, name text)",
  "insert into app.item select g, 'item ' || g from generate_series(1, 100) g",
  "alter table app.item owner to writer",
  "grant select on app.item to reader",
];

type Overrides = { [key: string]: unknown; env?: Record<string, string> };

export function openConnector(server: PostgresServer, { env, ...overrides }: Overrides = {}): Connector {
  const resource = postgresResourceSchema.parse({
    name: "db",
    type: "postgres",
    address: `127.0.0.1:${server.port}`,
    database: "postgres",
    tls: "disable",
    searchPath: ["app"],
    roles: {
      writer: { user: "writer", password: { env: "WRITER" } },
      reader: { user: "reader", password: { env: "READER" } },
    },
    ...overrides,
  });
  const patience = { orphanMs: 300, giveUpMs: 1000, comebackMs: 2000 };
  return openPostgresConnector(resource, { folder: "/", env: env ?? { WRITER: password, READER: "pw-reader-73" }, patience });
}

interface CallOptions {
  readonly role?: string;
  readonly readOnly?: boolean;
  readonly parameters?: readonly PostgresParameter[];
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
  readonly sink?: ResultSink;
  /** Runs between `prepare` and `run`. */
  readonly prepared?: (marker: Json) => void | Promise<void>;
}

interface Called {
  readonly outcome: Outcome;
  readonly marker: Json;
  readonly rows: (string | null)[][];
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly typeModifier: number }[];
}

/** One call as the guard makes it. */
export async function call(connector: Connector, statement: string, options: CallOptions = {}): Promise<Called> {
  const { role = "writer", readOnly = false, parameters = [], limits = {}, signal = new AbortController().signal } = options;
  const rows: (string | null)[][] = [];
  let columns: Called["columns"] = [];
  const collect = (chunk: ResultChunk) => {
    if (chunk.type === "columns") columns = chunk.columns;
    else if (chunk.type === "rows") rows.push(...decodeRows(Buffer.from(chunk.data), chunk.count));
  };
  const dispatch = connector.dispatch({ kind: "postgres.query", statement, parameters }, role, limits, { signal, readOnly });
  try {
    const marker = await dispatch.prepare();
    await options.prepared?.(marker);
    const outcome = await dispatch.run(options.sink ?? collect);
    return { outcome, marker, rows, columns };
  } finally {
    await dispatch.close();
  }
}

export async function eventually(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 20) {
    if (waitedMs > 5000) throw new Error(`Did not happen: ${what}`);
    await sleep(20);
  }
}

/** A wire to a server that can be cut when something passes: before it arrives, or so that no answer comes back. */
interface Wire {
  port: number;
  onClient: (data: Buffer) => "pass" | "cut" | "pass and cut";
  cutAll: () => void;
  readonly server: Server;
}

export async function startWire(port: number): Promise<Wire> {
  const wire: Wire = { port: 0, onClient: () => "pass", cutAll: () => {}, server: createServer() };
  wire.server.on("connection", (client) => {
    const upstream = connect(port, "127.0.0.1");
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on("error", cut);
      socket.on("close", cut);
    }
    wire.cutAll = cut;
    let mute = false;
    client.on("data", (data) => {
      const what = wire.onClient(data);
      if (what === "cut") return cut();
      upstream.write(data);
      if (what === "pass and cut") {
        mute = true;
        upstream.once("data", cut);
      }
    });
    upstream.on("data", (data) => {
      if (!mute) client.write(data);
    });
  });
  wire.server.listen(0, "127.0.0.1");
  await once(wire.server, "listening");
  const address = wire.server.address();
  if (typeof address === "object" && address) wire.port = address.port;
  return wire;
}

export const versions = installedPostgres() ? (["newest", "installed"] as const) : (["newest"] as const);

/** A server of that version with the world in it, and a connector to it, while the tests of a `describe` run. */
export function connected(version: (typeof versions)[number]): {
  readonly server: PostgresServer;
  readonly db: Connector;
  /** How many items there are. */
  readonly count: () => Promise<number>;
} {
  let server: PostgresServer | undefined;
  let db: Connector | undefined;
  const open = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error("The server has not been started yet.");
    return part;
  };
  beforeAll(async () => {
    server = await startPostgres({ version, sql: world, tls: authority.server, configuration: { fsync: "off" } });
    db = openConnector(server);
  });
  afterAll(async () => {
    await db?.close();
    await server?.stop();
  });
  return {
    get server() {
      return open(server);
    },
    get db() {
      return open(db);
    },
    count: async () => Number((await open(server).query("select count(*) from app.item"))[0]?.count),
  };
}

export async function markerOf(db: Connector): Promise<{ readonly [key: string]: Json | undefined }> {
  return objectOf((await call(db, "update item set name = name where id = 1")).marker);
}

export function objectOf(marker: Json): { readonly [key: string]: Json | undefined } {
  if (typeof marker !== "object" || marker === null || Array.isArray(marker)) throw new TypeError("No marker");
  return marker as { readonly [key: string]: Json | undefined };
}
