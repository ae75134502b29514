/**
 * Writes corpora/sql/psql.sql and corpora/sql/pg_dump.sql: the statements with which PostgreSQL's own tools look at a database.
 *
 *     node scripts/corpus.ts postgres://postgres@localhost:5415/postgres path/to/server.log
 *
 * The server must run with `log_statement = all` and write its log to that file; the user must be a superuser. Needs `psql` and
 * `pg_dump` in PATH. A schema `corpus` with one of most kinds of objects is created and dropped.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const world = `
  create schema corpus;
  set search_path = corpus, public;
  create type mood as enum ('sad', 'ok');
  create type pair as (a int, b text);
  create domain positive as int check (value > 0);
  create sequence numbers;
  create table customer (id serial primary key, name text not null unique, mood mood, born date, data jsonb, check (length(name) > 1));
  create table orders (id bigint generated always as identity, customer_id int references customer on delete cascade, total numeric(10, 2)
    default 0, at timestamptz default now(), note text collate "C", primary key (id));
  create table event (at date not null, what text) partition by range (at);
  create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01');
  create table child (extra int) inherits (customer);
  create index on orders (customer_id) where total > 0;
  create index on customer (lower(name));
  create view big as select * from orders where total > 100;
  create materialized view totals as select customer_id, sum(total) from orders group by 1;
  create function twice(int) returns int language sql immutable as 'select $1 * 2';
  create procedure nothing() language plpgsql as 'begin end';
  create function stamp() returns trigger language plpgsql as 'begin return new; end';
  create aggregate total (int) (sfunc = int4pl, stype = int, initcond = '0');
  create trigger stamp before update on orders for each row execute function stamp();
  create rule none as on delete to big do instead nothing;
  alter table orders enable row level security;
  create policy mine on orders using (total > 0);
  create statistics related on customer_id, total from orders;
  create publication everything for table orders;
  create operator === (leftarg = int, rightarg = int, function = int4eq);
  create collation plain from "C";
  create text search configuration words (copy = english);
  create foreign data wrapper nowhere;
  create server far foreign data wrapper nowhere;
  create foreign table away (a int) server far;
  create user mapping for current_user server far;
  comment on table orders is 'what was sold';
  grant select on orders to public;
  alter default privileges in schema corpus grant select on tables to public;
  insert into customer (name) values ('ann'), ('bob');
`;

/** psql's commands that look something up, on everything and on one thing. */
const commands =
  `\\d \\d+ \\da \\dA \\dA+ \\dAc \\dAf \\dAo \\dAp \\db \\db+ \\dc \\dC \\dC+ \\dconfig \\dd \\ddp \\dD \\dD+ \\dE \\des \\des+ \\det \\deu \\dew \\df
  \\df+ \\dF \\dF+ \\dFd \\dFp \\dFt \\dg \\dg+ \\di \\di+ \\dl \\dL \\dm \\dm+ \\dn \\dn+ \\do \\dO \\dp \\dP \\dP+ \\drds \\dRp \\dRp+ \\dRs \\ds \\ds+ \\dt \\dt+ \\dT
  \\dT+ \\du \\dv \\dv+ \\dx \\dX \\dy \\l \\l+ \\sf|corpus.twice \\sv|corpus.big \\z \\conninfo`
    .split(/\s+/)
    .map((command) => command.replace("|", " "));
const things = "customer orders event event_2026 big totals numbers away customer_pkey child";

const [url = "", log = ""] = process.argv.slice(2);
const psql = (...flags: string[]): string => execFileSync("psql", [url, "-Xq", ...flags], { encoding: "utf8", stdio: "pipe" });

psql("-v", "ON_ERROR_STOP=1", "-c", world);
try {
  const patterns = ["\\d", "\\d+", "\\dt", "\\dp"].flatMap((command) =>
    things.split(" ").map((thing) => `${command} corpus.${thing}`),
  );
  const shown = ["set search_path = corpus, public", ...commands, "\\dfn corpus.*", "\\d corpus.*", ...patterns].flatMap(
    (command) => {
      const output = psql("-E", "-c", "set search_path = corpus, public", "-c", command);
      return [...output.matchAll(/^\/?\*+ QUERY \*+\/?\n([\s\S]*?)\n\/?\*{20,}\/?$/gm)].map(([, query = ""]) => query);
    },
  );
  write("psql", shown);
  const before = readFileSync(log, "utf8").length;
  execFileSync("pg_dump", [url, "--schema=corpus", "--serializable-deferrable"], { stdio: "pipe" });
  const logged = readFileSync(log, "utf8").slice(before);
  const statements = [...logged.matchAll(/LOG: {2}(?:statement|execute \w+): (.*(?:\n\t.*)*)/g)].map(([, text = ""]) => text);
  write("pg_dump", statements);
} finally {
  psql(
    "-c",
    "drop schema corpus cascade",
    "-c",
    "drop publication everything",
    "-c",
    "drop foreign data wrapper nowhere cascade",
  );
}

/** Only what reads, each once whatever its numbers; search_path and locks are for a session of the tool's own. */
function write(name: string, texts: readonly string[]): void {
  const known = new Map<string, string>();
  for (const text of texts) {
    const lines = text.split("\n").map((line) => line.trimEnd());
    const statement = lines
      .filter((line) => line.trim() !== "")
      .join("\n")
      .replace(/;*$/, "");
    if (!/^\s*(select|with|copy|show|explain|\(select|values|table)\b/i.test(statement) || /set_config\(/.test(statement))
      continue;
    const shape = statement.replace(/'?\d+'?/g, "0").replace(/\s+/g, " ");
    if (!known.has(shape)) known.set(shape, statement);
  }
  const file = new URL(`../corpora/sql/${name}.sql`, import.meta.url);
  writeFileSync(file, [...known.values()].map((statement) => `${statement};\n`).join("\n"));
  console.info(`${name}: ${known.size} statements`);
}
