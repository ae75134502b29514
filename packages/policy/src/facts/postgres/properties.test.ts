import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyText } from "./classify.ts";
import type { SqlFacts } from "./definition.ts";
import { loadParser } from "./parser.ts";
import { factsOf } from "./testing-facts.ts";

beforeAll(loadParser);

const queries = [
  "select a, lower(b) from t where id = 1",
  "select * from secret.keys k join u using (id) order by 1 limit 5",
  "select f(a) from t",
  "select (1).zap",
  "values (1), (pg_read_file('x'))",
  "with x as (select * from v) select * from x",
  "select count(*) from t group by a having max(b) > 1",
  "table public.t",
];
const others = [
  "delete from t where id = 1",
  "update t set a = 'x;y' where b = 2",
  "insert into t select * from u on conflict do nothing returning a",
  "merge into t using u on t.id = u.id when matched then delete",
  "drop table t",
  "select * from t for update",
  "copy t from stdin",
  "grant a to b",
  "explain analyze delete from t",
  "do 'x'",
];
const query = fc.constantFrom(...queries);
const statement = fc.constantFrom(...queries, ...others);

/** What policy may rely on; the text, its form and how many statements are around do not matter. */
const meaning = ({ text: _, fingerprint: __, statements: ___, ...rest }: SqlFacts) => rest;

test("pg-multi: a text of several statements does all that each does, and each is told as if alone", () => {
  const separator = fc.constantFrom(";", ";\n", " ; -- x\n", ";;/* ; */");
  fc.assert(
    fc.property(fc.array(statement, { minLength: 2, maxLength: 6 }), separator, (texts, between) => {
      const { facts, parts = [] } = classifyText(texts.join(between), ["public"]);
      expect(parts.map(meaning)).toEqual(texts.map((text) => meaning(factsOf(text))));
      expect(parts.map(({ fingerprint }) => fingerprint)).toEqual(texts.map((text) => factsOf(text).fingerprint));
      for (const key of ["writes", "ddl", "opaque"] as const) expect(facts[key]).toBe(parts.some((part) => part[key]));
      expect(facts.readOnly).toBe(parts.every((part) => part.readOnly));
      for (const key of ["kinds", "reads", "writesTo", "functions", "tables", "doubts"] as const)
        expect(facts[key]).toEqual([...new Set(parts.flatMap((part) => part[key]))].sort());
    }),
    { numRuns: 300 },
  );
});

test("whitespace, comments, case and quoting change nothing but the text", () => {
  const gap = fc.constantFrom(" ", "\n", "\t", "\r\n", "\f", " /* x */ ", " -- y\n", " /* a /* b */ ; drop table t */ ", "  ");
  fc.assert(
    fc.property(
      statement,
      fc.array(gap, { minLength: 30, maxLength: 30 }),
      fc.boolean(),
      fc.boolean(),
      (text, gaps, shout, quote) => {
        let next = 0;
        const varied = text
          .split(/('[^']*')/)
          .map((piece, index) => {
            if (index % 2 === 1) return piece;
            const cased = shout ? piece.toUpperCase() : piece;
            const quoted = quote ? cased.replace(/\b(secret|keys)\b/gi, (name) => `"${name.toLowerCase()}"`) : cased;
            return quoted.replace(/ /g, () => gaps[next++ % gaps.length] ?? " ");
          })
          .join("");
        const { text: _, ...facts } = factsOf(varied);
        const { text: __, ...plain } = factsOf(text);
        expect(facts).toEqual(plain);
      },
    ),
    { numRuns: 500 },
  );
});

test("pg-walk: wherever a query stands, what it reads and calls is found", () => {
  const places: readonly ((query: string) => string)[] = [
    (q) => `select * from (${q}) s`,
    (q) => `select exists (${q})`,
    (q) => `select array(${q})`,
    (q) => `with c as (${q}) select 1`,
    (q) => `select 1 where 1 = any (${q})`,
    (q) => `select 1 order by (${q})`,
    (q) => `select 1 limit (${q})`,
    (q) => `(${q}) union all select 1`,
    (q) => `select 1 from u join lateral (${q}) s on true`,
    (q) => `select coalesce((${q}), 1)`,
    (q) => `select case when (${q}) then 1 end`,
    (q) => `select sum(1) over (partition by (${q}))`,
    (q) => `explain ${q}`,
    (q) => `copy (${q}) to stdout`,
    (q) => `insert into w ${q}`,
    (q) => `update w set a = (${q})`,
    (q) => `delete from w where a in (${q})`,
    (q) => `delete from w returning (${q})`,
    (q) => `merge into w using (${q}) s on true when matched then do nothing`,
    (q) => `create view w as ${q}`,
    (q) => `create table w as ${q}`,
    (q) => `declare c cursor for ${q}`,
    (q) => `prepare p as ${q}`,
    (q) => `create rule r as on insert to w do also ${q}`,
    (q) => `create policy p on w using ((${q}))`,
    (q) => `alter table w add check ((${q}))`,
  ];
  fc.assert(
    fc.property(
      query,
      fc.array(fc.constantFrom(...places.slice(0, 12)), { maxLength: 3 }),
      fc.constantFrom(...places),
      (text, inner, last) => {
        const alone = factsOf(text);
        const nested = factsOf(last(inner.reduce((around, place) => place(around), text)));
        expect(nested.tables).toEqual(expect.arrayContaining([...alone.tables]));
        expect(nested.functions).toEqual(expect.arrayContaining([...alone.functions]));
        expect(nested.doubts).toEqual(expect.arrayContaining([...alone.doubts]));
      },
    ),
    { numRuns: 1000 },
  );
});

test("random pieces of SQL and random bytes never throw anything but the typed error", () => {
  const words =
    "select from where delete insert into update set values with recursive as ( ) , ; * 1 'x' $1 $$ a t f( union all order by limit returning explain analyze copy to stdout do begin end for . :: [ ] = or and not null case when then \"q\" U&'x' e'\\n' :: int json_table( over filter merge using on matched".split(
      " ",
    );
  const pieces = fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((list) => list.join(" "));
  const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array).toString("utf8").replaceAll("\0", ""));
  fc.assert(
    fc.property(fc.oneof(pieces, bytes), (text) => {
      try {
        const { readOnly, opaque, doubts } = factsOf(text);
        expect(readOnly && opaque).toBe(false);
        expect(opaque).toBe(doubts.length > 0);
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error;
        expect(error.code).toBe("invalid_operation");
      }
    }),
    { numRuns: 3000 },
  );
});
