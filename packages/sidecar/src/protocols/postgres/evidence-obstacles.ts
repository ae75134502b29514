import type { ChangeStatement, SqlFacts } from "@countersign/policy";
import { NotFoundOut } from "./evidence-failure.ts";
import { type EvidenceSession, identifier, literal } from "./evidence-session.ts";

/** What the catalog says about a change that is about to be tried. */
export interface Ground {
  /** The table's OID. */
  readonly table: string;
  readonly notes: readonly string[];
}

/** Why something is not tried, by what was found in the way. */
const obstacles: Readonly<Record<string, (name: string, detail: string) => string>> = {
  system: (name) => `${name} is a table of PostgreSQL itself`,
  relation: (name) => `${name} is not an ordinary table`,
  foreign: (name) => `${name} is a foreign table: another server would take part`,
  trigger: (name, detail) => `${name} has triggers (${detail}), which may do things that are not rolled back`,
  rule: (name, detail) => `${name} has rules (${detail}), which may do other things`,
  function: (name, detail) => `${name} runs ${detail}, which may do things that are not rolled back`,
};

const mostFindings = 20;

/**
 * Makes sure that trying a change has no effect that a rollback leaves behind: no code but PostgreSQL's own may run, neither by triggers and rules
 * nor by defaults, checks, indexes, policies or views, also in partitions and in tables that foreign keys lead to.
 *
 * @throws {NotFoundOut} saying what is in the way.
 */
export async function surveyTarget(session: EvidenceSession, change: ChangeStatement, facts: SqlFacts): Promise<Ground> {
  const table = await tableOf(session, change);
  const names = [
    ...facts.writesTo.map((name) => [...partsOf(name), "true"]),
    ...facts.reads.map((name) => [...partsOf(name), "false"]),
  ].map(([schema = "", name = "", target]) => `(${literal(schema)}, ${literal(name)}, ${target})`);
  const found = await session.ask(survey(names.join(", "), table));
  const [first] = found.flatMap(([kind, name, detail]) => {
    const words = obstacles[kind ?? ""];
    return words === undefined ? [] : [words(name ?? "", detail ?? "")];
  });
  if (first !== undefined) throw new NotFoundOut(`The exact effect was not tried: ${first}.`);
  return { table, notes: notesOf(found, change) };
}

/** The OID of the table, found as PostgreSQL finds it for the statement. */
async function tableOf(session: EvidenceSession, { table }: ChangeStatement): Promise<string> {
  const name = [...(table.schema === "" ? [] : [table.schema]), table.name].map(identifier).join(".");
  const [[oid = null] = []] = await session.ask(
    `select pg_catalog.to_regclass(${literal(name)})::pg_catalog.oid::pg_catalog.text`,
  );
  if (oid === null)
    throw new NotFoundOut(`The exact effect was not tried: there is no table ${name}, or the role cannot see it.`);
  return oid;
}

function notesOf(found: readonly (readonly (string | null)[])[], { verb }: ChangeStatement): readonly string[] {
  const named = (kind: string) => [...new Set(found.filter(([one]) => one === kind).map(([, name]) => name ?? ""))];
  const sequences = verb === "INSERT" || verb === "MERGE" ? named("sequence") : [];
  const cascades = verb === "INSERT" ? [] : named("cascade");
  return [
    ...(sequences.length > 0
      ? [`Numbers of ${sequences.join(", ")} may have been used up by trying it: a sequence does not go back.`]
      : []),
    ...(cascades.length > 0
      ? [`Rows of ${cascades.join(", ")} may change or go along by foreign keys; they are not counted here.`]
      : []),
  ];
}

/** `schema.name` of the facts, where a part that holds a dot or a quote is quoted. */
function partsOf(name: string): readonly [string, string] {
  const [, schema = "", table = ""] = /^("(?:[^"]|"")*"|[^."]*)\.(.*)$/s.exec(name) ?? [];
  return [plain(schema), plain(table)];
}

function plain(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}

/** Rows of `kind, name, detail`: what is in the way, then what is to be noted. */
function survey(names: string, table: string): string {
  return `
with recursive named(oid, target) as (
  select c.oid, n.target from (values ${names}) n(schema, name, target)
  join pg_catalog.pg_namespace s on s.nspname = n.schema::pg_catalog.text
  join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relname = n.name::pg_catalog.text
  union select ${table}::pg_catalog.oid, true
), touched(oid, target) as (
  select oid, target from named
  union
  select led.oid, led.target from touched t cross join lateral (
    select inhrelid, t.target from pg_catalog.pg_inherits where inhparent = t.oid
    union all
    select conrelid, true from pg_catalog.pg_constraint
      where t.target and contype = 'f' and confrelid = t.oid and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd'))
    union all
    select d.refobjid, false from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
      where r.ev_class = t.oid and d.refobjid <> t.oid
  ) led(oid, target)
), parts(oid, classid, objid) as (
  select t.oid, 'pg_catalog.pg_attrdef'::regclass, a.oid from touched t join pg_catalog.pg_attrdef a on a.adrelid = t.oid where t.target
  union all
  select t.oid, 'pg_catalog.pg_constraint'::regclass, c.oid from touched t join pg_catalog.pg_constraint c on c.conrelid = t.oid where t.target
  union all
  select t.oid, 'pg_catalog.pg_class'::regclass, i.indexrelid from touched t join pg_catalog.pg_index i on i.indrelid = t.oid where t.target
  union all
  select t.oid, 'pg_catalog.pg_policy'::regclass, p.oid from touched t join pg_catalog.pg_policy p on p.polrelid = t.oid
  union all
  select t.oid, 'pg_catalog.pg_rewrite'::regclass, r.oid from touched t join pg_catalog.pg_rewrite r on r.ev_class = t.oid
  union all
  select t.oid, 'pg_catalog.pg_constraint'::regclass, c.oid from touched t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and not a.attisdropped
    join pg_catalog.pg_type y on y.oid = a.atttypid
    join pg_catalog.pg_constraint c on c.contypid in (y.oid, y.typbasetype, y.typelem) and c.contypid <> 0
    where t.target
), found(rank, kind, oid, detail) as (
  select 1, 'system', t.oid, '' from touched t join pg_catalog.pg_class c on c.oid = t.oid
    where t.target and c.relnamespace = 'pg_catalog'::regnamespace
  union all
  select 1, 'foreign', t.oid, '' from touched t join pg_catalog.pg_class c on c.oid = t.oid where c.relkind = 'f'
  union all
  select 2, 'relation', t.oid, '' from touched t join pg_catalog.pg_class c on c.oid = t.oid
    where t.target and c.relkind not in ('r', 'p', 'f')
  union all
  select 3, 'trigger', t.oid, g.tgname::pg_catalog.text from touched t join pg_catalog.pg_trigger g on g.tgrelid = t.oid
    where t.target and not g.tgisinternal and g.tgenabled <> 'D'
  union all
  select 3, 'rule', t.oid, r.rulename::pg_catalog.text from touched t join pg_catalog.pg_rewrite r on r.ev_class = t.oid
    where t.target and r.rulename <> '_RETURN'
  union all
  select 4, 'function', p.oid, coalesce('the function ' || f.proname, 'an operator of its own')
    from parts p join pg_catalog.pg_depend d on d.classid = p.classid and d.objid = p.objid
      and d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
    left join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::regclass and f.oid = d.refobjid
  union all
  select 5, 'sequence', d.refobjid, '' from parts p join pg_catalog.pg_depend d on d.classid = p.classid and d.objid = p.objid
    and d.refclassid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind = 'S'
  union all
  select 5, 'sequence', c.oid, '' from touched t join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass
    and d.refobjid = t.oid and d.deptype = 'i' and d.classid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S' where t.target
  union all
  select 6, 'cascade', c.conrelid, '' from touched t join pg_catalog.pg_constraint c on c.confrelid = t.oid
    where t.target and c.contype = 'f' and (c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd'))
)
select kind, name, detail from (
  select distinct f.rank, f.kind, s.nspname || '.' || c.relname as name, f.detail from found f
    join pg_catalog.pg_class c on c.oid = f.oid join pg_catalog.pg_namespace s on s.oid = c.relnamespace
) told order by rank, name, detail limit ${mostFindings}`;
}
