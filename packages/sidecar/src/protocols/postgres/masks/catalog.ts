/** What of one table or view is masked. */
export interface MaskedRelation {
  /** `schema.name`, as facts name it. */
  readonly name: string;
  /** Numbers of its masked columns (pg_attribute.attnum), 0 for the whole row; `all` for a view that is made of masked columns. */
  readonly columns: "all" | ReadonlySet<number>;
  /** The names of its masked columns; empty where all are. */
  readonly columnNames: ReadonlySet<string>;
}

/** What is masked in a database, by the OID of its relation. */
export type MaskedRelations = ReadonlyMap<number, MaskedRelation>;

/** Columns of PostgreSQL's statistics hold values of every table. */
const statistics = ["pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"];

/**
 * The question which relations and columns masks are about: those that they name, the same columns of what inherits from them (partitions
 * too) and of what these inherit from, through which they are read; columns that are generated from these, whole views and materialized views that are made of any of these, and PostgreSQL's statistics. Also which of the named tables there are.
 * Everything is qualified: a caller's temporary `pg_class` must not answer it.
 *
 * @param masks `schema.table.column`, or `schema.table.*`.
 */
export function maskedQuestion(masks: readonly string[]): string {
  const named = masks.map((mask) => `(${mask.split(".").map(literal).join(", ")})`).join(", ");
  return `with recursive masks(nsp, rel, col) as (values ${named}),
  named(relid, attnum, attname) as (
    select c.oid, a.attnum, a.attname from masks m
      join pg_catalog.pg_namespace n on n.nspname = m.nsp join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = m.rel
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (m.col = '*' or a.attname = m.col)
    union
    select i.inhrelid, a.attnum, a.attname from named d join pg_catalog.pg_inherits i on i.inhparent = d.relid
      join pg_catalog.pg_attribute a on a.attrelid = i.inhrelid and a.attname = d.attname and a.attnum > 0 and not a.attisdropped
  ),
  above(relid, attnum, attname) as (
    select relid, attnum, attname from named union
    select i.inhparent, a.attnum, a.attname from above d join pg_catalog.pg_inherits i on i.inhrelid = d.relid
      join pg_catalog.pg_attribute a on a.attrelid = i.inhparent and a.attname = d.attname and a.attnum > 0 and not a.attisdropped
  ),
  direct(relid, attnum, attname) as (
    select relid, attnum, attname from above union
    select a.attrelid, a.attnum, a.attname from above d
      join pg_catalog.pg_depend p on p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = d.relid and p.refobjsubid = d.attnum
      left join pg_catalog.pg_attrdef e on p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and e.oid = p.objid
      join pg_catalog.pg_attribute a on a.attrelid = d.relid and a.attgenerated <> ''
        and a.attnum = coalesce(e.adnum, case when p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass then p.objsubid end)
  ),
  views(relid) as (
    select r.ev_class from direct d
      join pg_catalog.pg_depend p on p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = d.relid and p.refobjsubid in (0, d.attnum)
      join pg_catalog.pg_rewrite r on p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and p.objid = r.oid where r.ev_class <> d.relid
    union
    select r.ev_class from views v
      join pg_catalog.pg_depend p on p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = v.relid
      join pg_catalog.pg_rewrite r on p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and p.objid = r.oid where r.ev_class <> v.relid
  )
select c.oid::pg_catalog.text, n.nspname, c.relname, f.attnum::pg_catalog.text, f.attname from (
    select relid, attnum, attname from direct
    union all select c.oid, 0, null from masks m
      join pg_catalog.pg_namespace n on n.nspname = m.nsp join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = m.rel
    union all select relid, null, null from views
    union all select c.oid, null, null from pg_catalog.pg_class c where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and c.relname in (${statistics.map(literal).join(", ")})
  ) f join pg_catalog.pg_class c on c.oid = f.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace`;
}

/** What the answer to {@link maskedQuestion} says. */
export function maskedRelations(rows: readonly (readonly (string | null)[])[]): MaskedRelations {
  const found = new Map<number, { name: string; columns: "all" | Set<number>; columnNames: Set<string> }>();
  for (const [oid, schema, name, attnum, attname] of rows) {
    const id = Number(oid);
    const relation = found.get(id) ?? { name: relationName(schema, name), columns: new Set([0]), columnNames: new Set() };
    found.set(id, relation);
    if (attnum === null || attnum === undefined) relation.columns = "all";
    else if (relation.columns !== "all") relation.columns.add(Number(attnum));
    if (attname) relation.columnNames.add(attname);
  }
  return found;
}

function literal(text: string): string {
  // standard_conforming_strings is pinned: a backslash is one.
  return `'${text.replaceAll("'", "''")}'`;
}

/** As facts write names: one that holds a dot or a quote is quoted. */
export function relationName(...parts: readonly (string | null | undefined)[]): string {
  return parts.map((part = "") => (part !== null && /[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join(".");
}
