import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { PostgresParameter, PostgresQuery } from "../action.ts";
import { loadParser, parse } from "../facts/postgres/parser.ts";
import { classify } from "../facts.ts";
import { CountersignError } from "../outcome.ts";
import type { Bound } from "./bound.ts";
import { matchesGrant, templateOf } from "./template.ts";

beforeAll(loadParser);

const options = { searchPath: ["public"] };

interface Parts {
  readonly verb: "select a from" | "delete from";
  readonly table: string;
  readonly operator: string;
  readonly number: number;
  readonly text: string;
  readonly list: readonly number[];
  readonly parameter: PostgresParameter;
}

const small = fc.integer({ min: -3, max: 3 });
const parts: fc.Arbitrary<Parts> = fc.record({
  verb: fc.constantFrom("select a from" as const, "delete from" as const),
  table: fc.constantFrom("t", "u"),
  operator: fc.constantFrom("=", "<"),
  number: small,
  text: fc.constantFrom("x", "xy", "y", "NULL", ""),
  list: fc.array(small, { minLength: 1, maxLength: 2 }),
  parameter: fc.oneof(
    fc.constant(null),
    fc.constantFrom("1", "2", "-2", " 1", "1.0", "1e0", "01", "+1", "0x1", "１", "null", "x").map((text) => ({ text })),
    fc.constant({ binary: "MQ" }),
  ),
});

/** A few of the parts: most of an operation stays as it was. */
const similar: fc.Arbitrary<Partial<Parts>> = fc
  .tuple(parts, fc.subarray(["verb", "table", "operator", "number", "text", "list", "parameter"] as const, { maxLength: 3 }))
  .map(([whole, names]) => Object.fromEntries(names.map((name) => [name, whole[name]])));

function query({ verb, table, operator, number, text, list, parameter }: Parts): PostgresQuery {
  const statement = `${verb} ${table} where a ${operator} ${number} and b = '${text}' and c in (${list}) and d = $1`;
  return { kind: "postgres.query", statement, parameters: [parameter] };
}

const bound: fc.Arbitrary<Bound | undefined> = fc.option(
  fc.oneof(
    fc.constant({ type: "any" as const }),
    fc.tuple(small, small).map(([a, b]) => ({ type: "range" as const, min: `${Math.min(a, b)}`, max: `${Math.max(a, b)}` })),
    fc.constantFrom("x", "NULL").map((prefix) => ({ type: "prefix" as const, prefix })),
    fc.subarray(["x", "y", "1", "2", "-2", "NULL"], { minLength: 1 }).map((values) => ({ type: "one_of" as const, values })),
  ),
  { nil: undefined, freq: 2 },
);

/** What a bound means for a value, said in another way than the code that is tested. */
function isPermitted(limit: Bound | undefined, approved: unknown, asked: string | null | Uint8Array): boolean {
  if (limit === undefined) return JSON.stringify(approved) === JSON.stringify(asked);
  if (limit.type === "any") return asked !== null;
  if (typeof asked !== "string") return false;
  if (limit.type === "one_of") return limit.values.some((one) => one === asked);
  if (limit.type === "prefix") return asked.slice(0, limit.prefix.length) === limit.prefix;
  return ["-3", "-2", "-1", "0", "1", "1.0", "2", "3"].includes(asked) && +asked >= +limit.min && +asked <= +limit.max;
}

const given = (parameter: PostgresParameter) =>
  parameter === null ? null : "text" in parameter ? parameter.text : Buffer.from(parameter.binary, "base64url");

test("an operation is covered exactly when its form is the approved one and each value is within its bound", () => {
  let covered = 0;
  fc.assert(
    fc.property(parts, similar, fc.array(bound, { minLength: 5, maxLength: 5 }), (approved, change, bounds) => {
      const asked: Parts = { ...approved, ...change };
      const names = ["constant 1", "constant 2", "constant 3", "constant 4", "$1"];
      const valuesOf = (one: Parts) => {
        const list = [`${one.list[0]}`, ...(one.list.length > 1 ? [`${one.list[1]}`] : [])];
        return {
          "constant 1": `${one.number}`,
          "constant 2": one.text,
          "constant 3": list[0],
          "constant 4": list[1],
          $1: given(one.parameter),
        };
      };
      const used = names.flatMap((value, index) => {
        const limit = bounds[index];
        return limit === undefined || (value === "constant 4" && approved.list.length < 2) ? [] : [{ value, bound: limit }];
      });
      const template = templateOf(query(approved), classify(query(approved), options), used);
      const sameForm =
        asked.verb === approved.verb &&
        asked.table === approved.table &&
        asked.operator === approved.operator &&
        asked.list.length === approved.list.length;
      const [was, is] = [valuesOf(approved), valuesOf(asked)];
      const within = names.every((name) => {
        const key = name as keyof typeof was;
        const [before, now] = [was[key], is[key]];
        if (now === undefined) return before === undefined;
        return isPermitted(used.find(({ value }) => value === name)?.bound, before, now);
      });
      const result = matchesGrant(template, query(asked), classify(query(asked), options));
      if (result) covered++;
      expect(result).toBe(sameForm && within);
    }),
    { numRuns: 3000 },
  );
  // Otherwise this would say nothing.
  expect(covered).toBeGreaterThan(50);
});

/** A statement as PostgreSQL reads it, without where things stand. */
const reading = (text: string) =>
  JSON.stringify(parse(text), (key, value) =>
    key.endsWith("location") || key === "text" || key.startsWith("list_") || key.startsWith("rexpr_list") ? undefined : value,
  );

test("a text that was changed anywhere is covered only where PostgreSQL reads the very same in it", () => {
  const statement = "update t set a = 'x', b = 2 where c in (1, 2) and d = $1 and lower(e) like 'y%' ";
  const approved: PostgresQuery = { kind: "postgres.query", statement, parameters: [{ text: "7" }] };
  const template = templateOf(approved, classify(approved, options), []);
  const snippet = fc.constantFrom(
    " ",
    "",
    "-- x\n",
    "/* y */",
    ";",
    "; drop table t",
    "'",
    "0",
    "or true",
    " null",
    "()",
    "$1",
    "::text",
    "not ",
    "\\",
    "E'",
    ",",
    "3",
  );
  let same = 0;
  fc.assert(
    fc.property(fc.nat(statement.length), fc.nat(3), snippet, (at, cut, put) => {
      const changed = { ...approved, statement: statement.slice(0, at) + put + statement.slice(at + cut) };
      let facts: ReturnType<typeof classify>;
      try {
        facts = classify(changed, options);
      } catch (error) {
        expect(error).toBeInstanceOf(CountersignError);
        return;
      }
      const covered = matchesGrant(template, changed, facts);
      expect(covered).toBe(reading(changed.statement) === reading(statement));
      if (covered) same++;
    }),
    { numRuns: 2000 },
  );
  expect(same).toBeGreaterThan(20);
});

test("whatever it is given, it answers: no operation and no facts make it throw", () => {
  const approved = query({ verb: "select a from", table: "t", operator: "=", number: 1, text: "x", list: [1], parameter: null });
  const template = templateOf(approved, classify(approved, options), []);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.anything(), (statement, facts) => {
      const operation: PostgresQuery = { ...approved, statement };
      expect(matchesGrant(template, operation, facts as ReturnType<typeof classify>)).toBe(false);
      expect(matchesGrant(template, operation, classify(approved, options))).toBe(false);
    }),
  );
});
