import { Instance } from "../../harness/instance.ts";
import type { PostgresVersion } from "../../harness/postgres.ts";
import type { Door } from "./psql.ts";
import { Recorder } from "./recorder.ts";

/** Everything runs, understood or not. */
const allowAll = `version: 1
rules:
  - { id: everything, effect: allow, role: writer, opaque: true }
`;

/** Everything but what mentions one table. */
export const allButForbidden = `${allowAll}  - id: keep-out
    when: sql.tables.exists(t, t == "public.forbidden")
    effect: deny
    message: That table is not for you.
`;

/** Everything but deletes and loading, which wait for a person. */
export const deletesWait = `${allowAll}  - id: deletes-wait
    when: sql.kinds.exists(k, k == "DELETE" || k == "COPY") && sql.writes
    effect: review
    role: writer
    message: Somebody has to look at it.
    approval: { stages: [{ approvers: ["group:dba-oncall"] }], expires: 1h }
`;

/** How a {@link WireWorld} is made. */
export interface WireOptions {
  readonly version?: PostgresVersion;
  readonly policy?: string;
  /** More YAML for countersign.yaml. */
  readonly config?: string;
  /** More YAML for the resource. */
  readonly resource?: string;
  /** In the place of `countersign up`. */
  readonly program?: readonly string[];
}

/** A database, the ways to it, and what went in between. */
export interface WireWorld extends AsyncDisposable {
  readonly instance: Instance;
  /** By TCP with a password, as the login that Countersign uses. */
  readonly direct: Door;
  /** The same without a password, by the Unix socket. */
  readonly trusted: Door;
  /** Through Countersign. */
  readonly guarded: Door;
  /** Between Countersign and the database. */
  readonly recorder: Recorder;
  /** A token for Countersign, as a password. */
  token(subject: string): Promise<string>;
  /** What the server ran since {@link mark} that holds a text, by its own log. What was only parsed is not in it. */
  ran(text: string): readonly string[];
  mark(): void;
  /** An empty database in the place of the other. */
  fresh(): Promise<void>;
}

/** The settings that Countersign pins, for a direct client to see names in the same way. */
const pinned = "-c search_path=public";

/** Starts a database and Countersign, whose own login owns the database. */
export async function openWireWorld(options: WireOptions = {}): Promise<WireWorld> {
  const { version, policy = allowAll, config = "", resource, program } = options;
  await using parts = new AsyncDisposableStack();
  let port = 0;
  const recorder = parts.use(await Recorder.open(() => port));
  const instance = parts.use(
    await Instance.start({
      policy,
      address: `127.0.0.1:${recorder.port}`,
      config: `sidecar: { postgres: [{ tcp: "127.0.0.1:0" }] }\n${config}`,
      ...(resource === undefined ? {} : { resource }),
      ...(program === undefined ? {} : { program }),
      postgres: {
        ...(version === undefined ? {} : { version }),
        configuration: { fsync: "off", log_statement: "all" },
        access: ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256"],
      },
    }),
  );
  const { postgres } = instance;
  port = postgres.port;
  await postgres.query("alter database orders owner to orders_writer");
  await postgres.query("grant all on schema public to orders_writer", [], "orders");
  const token = async (subject: string): Promise<string> => {
    const { stdout, stderr, code } = await instance.cli("token", "--subject", subject);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const direct: Door = { ...postgres.connection("orders", "orders_writer", instance.secrets[1]), options: pinned };
  const [host = "", at = ""] = instance.at.postgres[0]?.address.split(":") ?? [];
  const guarded: Door = { host, port: Number(at), database: "orders-db", user: "writer", password: await token("agent-1") };
  let marked = 0;
  const running = parts.move();
  return {
    ...{ instance, direct, guarded, recorder, token },
    trusted: { ...direct, host: postgres.folder },
    mark() {
      marked = postgres.log().length;
    },
    ran(text) {
      const statements =
        postgres
          .log()
          .slice(marked)
          .match(/LOG: {2}(statement|execute [^:]*): .*/g) ?? [];
      return statements.filter((one) => one.includes(text));
    },
    async fresh() {
      await postgres.query("drop database if exists orders with (force)");
      await postgres.query("create database orders owner orders_writer template template0");
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A {@link WireWorld} with the table that {@link allButForbidden} keeps out; what was run before is not remembered. */
export async function openForbiddenWorld(): Promise<WireWorld> {
  const world = await openWireWorld({ policy: allButForbidden });
  await world.instance.postgres.query("create table forbidden (secret text)", [], "orders");
  await world.instance.postgres.query("alter table forbidden owner to orders_writer", [], "orders");
  world.mark();
  return world;
}
