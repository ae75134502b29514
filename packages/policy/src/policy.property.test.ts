import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Decision } from "./decision.ts";
import { loadParser } from "./facts/postgres/parser.ts";
import { classify, type Facts } from "./facts.ts";
import { CountersignError } from "./outcome.ts";
import { loadPolicy } from "./policy.ts";
import { PolicyError } from "./problem.ts";

beforeAll(loadParser);

const policy = loadPolicy({
  "policy.yaml": `
version: 1
rules:
  - { id: reads, effect: allow, when: 'sql.readOnly && !sql.tables.exists(t, t.startsWith("secret."))', role: reader }
  - { id: writes, effect: review, when: sql.writes && sql.hasWhere, role: writer, approval: { stages: [{ approvers: ["group:dba"] }] } }
  - { id: never, effect: deny, when: 'sql.ddl || sql.functions.exists(f, f == "pg_read_file")' }
`,
});

function decide(facts: Facts): Decision {
  return policy.decide({
    resource: { name: "db", type: "postgres", labels: {}, roles: ["reader", "writer"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts,
    reason: "",
    nowMs: 0,
  });
}

const strictness = { allow: 0, review: 1, deny: 2 };

/** How strictly a text is treated; a refusal is as strict as a denial. Anything but the typed error fails the test. */
function strict(statement: string): number {
  try {
    return strictness[decide(classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] })).effect];
  } catch (error) {
    if (error instanceof CountersignError) return strictness.deny;
    throw error;
  }
}

const reading = [
  "select 1",
  "select a, lower(b) from t where id = 1",
  "with x as (select 1) select * from x",
  "values (1)",
  "explain select 1",
];
const writing = [
  "delete from t where id = 1",
  "insert into t values (1)",
  "update t set a = 'x;y' where b = 2",
  "select f()",
  "select * from t for update",
];
const refused = [
  "drop table t",
  "select pg_read_file('x')",
  "select * from secret.keys",
  "delete from t",
  "set search_path = x",
  "select (1).pg_read_file",
  "grant a to b",
];
const statement = fc.constantFrom(...reading, ...writing, ...refused);

test("the statements that the properties are about are treated as meant", () => {
  expect(reading.map(strict)).toEqual(reading.map(() => 0));
  expect(writing.filter((text) => strict(text) === 0)).toEqual([]);
  expect(refused.map(strict)).toEqual(refused.map(() => 2));
});

test("random text and random bytes never throw anything but the typed error, and never run when they are not SQL that reads", () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString("latin1"));
  const unicode = fc.string({ unit: "binary", maxLength: 200 });
  const surrogates = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 })
    .map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(fc.oneof(bytes, unicode, surrogates), (text) => {
      expect(strict(text)).toBe(strictness.deny);
    }),
    { numRuns: 500 },
  );
});

test("random pieces of SQL never throw anything but the typed error", () => {
  const words =
    "select from where delete insert into update set values with recursive as ( ) , ; * 1 'x' $1 $$ a t f( union all order by limit returning explain analyze copy to stdout do begin end for . :: [ ] = or and not null case when then end".split(
      " ",
    );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 25 }), (pieces) => {
      strict(pieces.join(" "));
    }),
    { numRuns: 2000 },
  );
});

test("pg-multi: a concatenation is at least as strict as its strictest part", () => {
  fc.assert(
    fc.property(
      fc.array(statement, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(";", ";\n", " ; -- x\n", ";;/* ; */"),
      (parts, separator) => {
        expect(strict(parts.join(separator))).toBeGreaterThanOrEqual(Math.max(...parts.map(strict)));
      },
    ),
    { numRuns: 500 },
  );
});

test("layout, comments and the case of keywords change nothing", () => {
  const gap = fc.constantFrom(" ", "\n", "\t", "\r\n", " /* x */ ", " -- y\n", "\f", " /* a /* b */ ; drop table t */ ");
  const upper = fc.boolean();
  fc.assert(
    fc.property(statement, fc.array(gap, { minLength: 30, maxLength: 30 }), upper, (text, gaps, shout) => {
      let next = 0;
      // Only between words: what is in quotes stays as it is.
      const spaced = text.replace(/'[^']*'| /g, (match) => (match === " " ? (gaps[next++ % gaps.length] ?? " ") : match));
      const shouted = shout
        ? spaced.replace(/'[^']*'|[a-z_]+/g, (match) => (match.startsWith("'") ? match : match.toUpperCase()))
        : spaced;
      expect(strict(shouted)).toBe(strict(text));
    }),
    { numRuns: 500 },
  );
});

test("the same text always gets the same answer, seen before or not", () => {
  fc.assert(
    fc.property(statement, fc.nat(), (text, salt) => {
      const salted = `${text} -- ${salt}`;
      expect(strict(salted)).toBe(strict(salted));
      expect(strict(salted)).toBe(strict(text));
    }),
  );
});

test("random policy files and conditions are refused with a typed error that has a place, or load", () => {
  const words =
    "version: rules: - id: a effect: allow deny review when: sql.readOnly sql. && || ! ( ) [ ] { } , ' \" | \n \n  approval: stages: x.matches('(') has( * & &a *a ? 1 true null # \t".split(
      " ",
    );
  const load = (text: string) => {
    try {
      loadPolicy({ "p.yaml": text });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expect(error.problems.length).toBeGreaterThan(0);
      for (const { line, column } of error.problems) expect(line > 0 && column > 0).toBe(true);
    }
  };
  const condition = fc.array(
    fc.constantFrom(
      "sql",
      ".",
      "tables",
      "exists",
      "(",
      ")",
      "t",
      ",",
      "==",
      "'x'",
      "1",
      "[",
      "]",
      "{",
      "}",
      "has",
      "&&",
      "!",
      "?",
      ":",
      "matches",
      "dyn",
      "in",
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (pieces) =>
      load(`version: 1\nrules:\n${pieces.join(" ")}`),
    ),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), load), { numRuns: 300 });
  fc.assert(
    fc.property(condition, (pieces) =>
      load(`version: 1\nrules: [{ id: a, effect: deny, when: ${JSON.stringify(pieces.join(""))} }]`),
    ),
    { numRuns: 1000 },
  );
});

test("the decision does not depend on the order of rules", () => {
  const texts = [
    "a, effect: allow, role: r",
    "b, effect: allow, role: r, when: sql.readOnly",
    "c, effect: deny, when: sql.ddl",
    "d, effect: deny, when: 'resource.labels.x == \"y\"'",
    "e, effect: review, role: w, approval: { stages: [{ approvers: ['user:u'] }] }",
    "f, effect: allow, role: r, opaque: true",
  ];
  const load = (rules: readonly string[]) =>
    loadPolicy({ "p.yaml": `version: 1\nrules: [${rules.map((rule) => `{ id: ${rule} }`).join(", ")}]` });
  fc.assert(
    fc.property(
      fc.subarray(texts).chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length }))),
      statement,
      ([first, second], text) => {
        let facts: Facts;
        try {
          facts = classify({ kind: "postgres.query", statement: text, parameters: [] }, { searchPath: ["public"] });
        } catch {
          return;
        }
        const answer = (rules: readonly string[]) => {
          const { policyDigest: _, ...rest } = load(rules).decide({
            resource: { name: "db", type: "postgres", labels: {}, roles: ["r", "w"] },
            principal: { issuer: "i", subject: "s", groups: [], claims: {} },
            facts,
            reason: "",
            nowMs: 0,
          });
          return rest;
        };
        expect(answer(second)).toEqual(answer(first));
      },
    ),
  );
});
