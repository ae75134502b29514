import { classify, hidingWith, loadParser, type PostgresParameter } from "@countersign/policy";
import type { EvidenceWish } from "../../packages/sidecar/src/evidence/evidence-source.ts";
import { openPostgresEvidence, postgresResourceSchema } from "../../packages/sidecar/src/protocols/postgres/index.ts";
import type { PostgresServer } from "./postgres.ts";

const passwords = { READER: "pw-reader-5", WRITER: "pw-writer-5", BOSS: "pw-boss-5" };

/**
 * A database to gather evidence from. Calling `app.leak` leaves a trace that no rollback takes back: the next number of `app.witness`. Every way on
 * which a statement might call it without naming it has a table here.
 */
export const evidenceWorld: readonly string[] = [
  `create role reader login password '${passwords.READER}'`,
  `create role writer login password '${passwords.WRITER}'`,
  `create role boss superuser login password '${passwords.BOSS}'`,
  "create schema app",
  "create sequence app.witness",
  "create function app.leak() returns int volatile security definer language sql as $$ select nextval('app.witness')::int $$",
  // It lies: an immutable function is run while a statement is planned.
  "create function app.sly() returns int immutable security definer language plpgsql as $$ begin perform nextval('app.witness'); return 1; end $$",
  "create function app.noisy() returns trigger language plpgsql as $$ begin raise notice 'x'; perform app.leak(); return new; end $$",
  "create table app.item (id int primary key, name text, price numeric(10,2), note text)",
  "insert into app.item select g, 'item ' || g, g from generate_series(1, 5000) g",
  "create table app.plain (a int, b text)",
  "insert into app.plain values (1, 'x'), (2, 'y')",
  "create table app.numbered (id serial primary key, name text unique)",
  "insert into app.numbered (name) values ('one')",
  "create table app.identified (id int generated always as identity primary key, name text)",
  "create table app.many (id int primary key, n int)",
  "insert into app.many select g, 0 from generate_series(1, 120000) g",
  "create table app.parent (id int primary key)",
  "create table app.child (id int primary key, parent int references app.parent on delete cascade)",
  "create table app.late (id int primary key, parent int references app.parent deferrable initially deferred)",
  "insert into app.parent values (1), (2)",
  "insert into app.child values (10, 1), (11, 1)",
  "create table app.secret (id int primary key, shown text, hidden text)",
  "insert into app.secret values (1, 'seen', 'unseen')",
  // Ways to app.leak.
  "create table app.triggered (id int primary key)",
  "create trigger watch before update or delete on app.triggered for each row execute function app.noisy()",
  "create table app.ruled (id int primary key)",
  "create rule also as on delete to app.ruled do also select app.leak()",
  "create table app.defaulted (id int primary key, n int default app.leak())",
  "create table app.checked (id int primary key, n int check (app.leak() > 0 or n > 0))",
  "create table app.indexed (id int primary key, n int)",
  "create index on app.indexed ((n + app.sly()))",
  "create table app.split (id int) partition by range (id)",
  "create table app.split_1 partition of app.split for values from (0) to (100)",
  "create trigger watch before insert on app.split_1 for each row execute function app.noisy()",
  "create table app.top (id int primary key)",
  "create table app.below (id int primary key, top int references app.top on delete cascade)",
  "create trigger watch before delete on app.below for each row execute function app.noisy()",
  "create table app.policed (id int primary key)",
  "alter table app.policed enable row level security",
  "create policy watch on app.policed using (app.leak() > 0)",
  "create domain app.odd as int check (app.leak() > 0 or value > 0)",
  "create table app.domained (id int primary key, n app.odd)",
  "create view app.looked as select id, app.leak() as n from app.item",
  "create view app.over as select * from app.looked",
  "create view app.direct as select * from app.item",
  ...["triggered", "ruled", "defaulted", "checked", "indexed", "top", "policed", "domained"].map(
    (name) => `insert into app.${name} (id) values (1)`,
  ),
  "insert into app.below values (1, 1)",
  "analyze",
  "grant usage on schema app to reader, writer",
  "grant select on all tables in schema app to reader",
  "grant select, insert, update, delete on all tables in schema app to writer",
  "grant usage on all sequences in schema app to writer",
  "revoke all on app.witness from writer",
  "revoke all on app.secret from writer",
  "grant select (id, shown), update (shown), delete on app.secret to writer",
  "grant update on app.plain to writer",
];

/** The evidence of one server's database. */
export async function evidenceOf(server: Pick<PostgresServer, "port">, overrides: Readonly<Record<string, unknown>> = {}) {
  await loadParser();
  const resource = postgresResourceSchema.parse({
    ...{
      name: "db",
      type: "postgres",
      address: `127.0.0.1:${server.port}`,
      database: "postgres",
      tls: "disable",
      searchPath: ["app"],
    },
    roles: {
      reader: { user: "reader", password: { env: "READER" } },
      writer: { user: "writer", password: { env: "WRITER" } },
      boss: { user: "boss", password: { env: "BOSS" } },
    },
    evidence: { role: "reader" },
    ...overrides,
  });
  const source = openPostgresEvidence(resource, { folder: "/", env: passwords });
  return (
    kind: EvidenceWish["kind"],
    statement: string,
    {
      parameters = [],
      signal = new AbortController().signal,
    }: { parameters?: readonly PostgresParameter[]; signal?: AbortSignal } = {},
  ) => {
    const operation = { kind: "postgres.query", statement, parameters } as const;
    const facts = classify(operation, { searchPath: resource.searchPath });
    return source.gather({ kind, operation, facts, role: "writer", hide: hidingWith(undefined) }, signal);
  };
}
