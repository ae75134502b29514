import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { classify } from "../../facts.ts";
import { CountersignError } from "../../outcome.ts";
import { classifyText } from "./classify.ts";
import type { SqlFacts } from "./definition.ts";
import { integerTemplate, witness } from "./integer-template.ts";
import { loadParser } from "./parser.ts";
import { TemplatedFacts } from "./templated-facts.ts";

beforeAll(loadParser);

const options = { searchPath: ["app", "public"] };

/** The facts as the product finds them, with what it remembers. */
function remembered(statement: string): SqlFacts | string {
  return refusalOr(() => classify({ kind: "postgres.query", statement, parameters: [] }, options).sql);
}

/** The facts as the parser's tree of this very text gives them. */
function parsed(statement: string): SqlFacts | string {
  return refusalOr(() => classifyText(statement, options.searchPath).facts);
}

function refusalOr(find: () => SqlFacts): SqlFacts | string {
  try {
    return find();
  } catch (error) {
    if (error instanceof CountersignError) return error.message;
    throw error;
  }
}

function isByTemplate(statement: string): boolean {
  const facts = remembered(statement);
  return typeof facts === "object" && TemplatedFacts.modelOf(facts) !== facts;
}

describe("statements that differ in integers alone", () => {
  const shapes = [
    "SELECT abalance FROM pgbench_accounts WHERE aid = #;",
    "UPDATE pgbench_tellers SET tbalance = tbalance + -# WHERE tid = #;",
    "INSERT INTO pgbench_history (tid, bid, aid) VALUES (#, #, #)",
    "delete from t where a in (#, #) and b between # and -#",
    "select a[#], b[#:#] from t order by # limit # offset #",
    "select - - #, -(#), +#, # - # from t",
  ];
  test.each(shapes)("are read once: %s", (shape) => {
    let next = 10;
    const fill = () => shape.replaceAll("#", () => String(next++ * 37));
    remembered(fill());
    for (let again = 0; again < 3; again++) {
      const text = fill();
      expect(isByTemplate(text)).toBe(true);
      expect(JSON.stringify(remembered(text))).toBe(JSON.stringify(parsed(text)));
    }
  });

  test.each([
    ["a type is another one", (n: number) => `select a::float(${n}) from t`],
    ["a type is not accepted", (n: number) => `select a::float(${n + 29}) from t`],
    ["a type's modifier counts", (n: number) => `select a::numeric(${n}, 2) from t`],
    ["an array's size counts", (n: number) => `select a::int[${n}] from t`],
    ["a precision is no constant", (n: number) => `select current_timestamp(${n % 7})`],
    ["a statement is of another kind", (n: number) => `explain (analyze ${n}) delete from t where a = ${n}`],
    ["a cursor goes on", (n: number) => `fetch ${n} from c`],
    ["there are several", (n: number) => `select ${n}; delete from t where a = ${n}`],
    ["a number is no integer of its own", (n: number) => `select ${n}.5, 1e${n}, a${n}, 1_${n}, 0x${n} from t`],
    ["it stands in a text", (n: number) => `select '${n}' from t`],
    ["it stands in a comment", (n: number) => `select 1 from t -- ${n}`],
    ["it stands in a comment that nests", (n: number) => `select 1 /* ${n} */ from t`],
    ["it is a name", (n: number) => `select "${n}" from t`],
    ["it is a parameter", (n: number) => `select $${n} from t`],
    ["it is in dollars", (n: number) => `select $a$ ${n} $a$ from t`],
    ["there is something beyond ASCII", (n: number) => `select ${n} as é from t`],
    ["it is longer than an integer", (n: number) => `select ${n}0000000000 from t`],
    ["it begins with a zero", (n: number) => `select 0${n} from t`],
  ])("where %s, each is read by itself", (_why, statement) => {
    for (const n of [24, 25, 26]) expect(isByTemplate(statement(n))).toBe(false);
  });

  test("are not one, where it counts which are equal", () => {
    const where = (condition: string) => {
      const facts = remembered(`delete from t where ${condition}`);
      return typeof facts === "object" && facts.hasWhere;
    };
    expect(where("a + 11 = a + 12")).toBe(true);
    expect(where("a + 11 = a + 11")).toBe(false);
    expect(where("a + 21 = a + 21")).toBe(false);
    expect(where("a + 21 = a + 22")).toBe(true);
    expect(where("a = 31 or not a = 32")).toBe(true);
    expect(where("a = 31 or not a = 31")).toBe(false);
    expect(where("a = 0 or not a = 31")).toBe(true);
    expect(where("a = 31 or not a = -31")).toBe(true);
  });
});

test("facts by template are the facts that the parser's tree of the text itself gives", () => {
  const integers = [
    ..."0 1 2 3 5 7 9 10 24 25 53 54 99 100 9999 10000 10001 99999 100000 900000000 900000001 999999999".split(" "),
    ..."007 00 1234567890 2147483648".split(" "),
  ];
  const integer = fc.constantFrom(...integers);
  const atoms = fc.oneof(
    { weight: 6, arbitrary: integer },
    { weight: 2, arbitrary: integer.map((n) => `-${n}`) },
    { weight: 3, arbitrary: fc.constantFrom("a", "b", "t.a", "f(a)", "lower(b)", "a1", "1.5", "1e5", "null", "true", "a.b.c") },
    fc
      .tuple(fc.constantFrom("float", "numeric", "char", "varchar", "bit", "timestamp", "interval second", "zap"), integer)
      .map(([type, n]) => `a::${type}(${n})`),
    integer.map((n) => `a::int[${n}]`),
    integer.map((n) => `current_time(${n})`),
    integer.map((n) => `x[${n}:${n}]`),
    fc.tuple(integer, integer).map(([n, m]) => `substring(b from ${n} for ${m})`),
    fc.constantFrom("(select max(a) from u)", "exists (select 1 from u where a = 3)", "array[1,2]", "row(1, a)", "(x).f"),
  );
  const expression = fc.oneof(
    { weight: 2, arbitrary: atoms },
    {
      weight: 2,
      arbitrary: fc
        .tuple(atoms, fc.constantFrom("+", "-", "*", "/", "%", "=", "<", "<>", "=-", "!="), atoms)
        .map((p) => p.join(" ")),
    },
    fc.tuple(atoms, atoms, atoms).map(([a, b, c]) => `${a} in (${b}, ${c})`),
    fc.tuple(atoms, atoms, atoms).map(([a, b, c]) => `${a} between ${b} and ${c}`),
    atoms.map((a) => `-(${a})`),
    fc.tuple(atoms, atoms, atoms).map(([a, b, c]) => `case ${a} when ${b} then ${c} end`),
  );
  const compare = fc.constantFrom("=", "<>", ">");
  const comparison = fc.oneof(
    fc.tuple(expression, compare, expression).map((p) => p.join(" ")),
    fc.tuple(integer, compare, integer).map((p) => p.join(" ")),
    fc.tuple(integer, integer).map(([n, m]) => `a + ${n} = a + ${m}`),
    fc.tuple(integer, integer).map(([n, m]) => `a = ${n} or not a = ${m}`),
  );
  const condition = fc.oneof(
    comparison,
    fc.tuple(comparison, fc.constantFrom("and", "or", "or not"), comparison).map((p) => p.join(" ")),
  );
  const tail = fc.constantFrom(
    "",
    ";",
    " ;",
    " limit 5",
    " limit 0",
    " order by 1",
    " group by 2",
    " offset 3 rows fetch first 4 rows only",
  );
  const statement = fc.oneof(
    fc.tuple(expression, condition, tail).map(([e, c, end]) => `select ${e} from t where ${c}${end}`),
    fc.tuple(expression, expression, condition).map(([a, b, c]) => `update t set a = ${a}, b = ${b} where ${c}`),
    condition.map((c) => `delete from t where ${c}`),
    fc.tuple(atoms, atoms, atoms).map((values) => `insert into t values (${values.join(", ")}), (${values.join(",")})`),
    fc
      .tuple(integer, condition)
      .map(([n, c]) => `with q as (select ${n} limit ${n}) select * from q tablesample system (${n}) where ${c}`),
    fc
      .tuple(integer, expression)
      .map(([n, e]) => `select sum(a) over (order by a rows between ${n} preceding and ${n} following), ${e} from t`),
    fc.tuple(integer, condition).map(([n, c]) => `explain (analyze ${n}) delete from t where ${c}`),
    integer.map((n) => `fetch ${n} from c`),
    fc.tuple(integer, integer).map(([n, m]) => `select ${n}; select ${m}`),
    fc.tuple(integer, integer).map(([n, m]) => `select ${n} union all select ${m} order by ${n}`),
  );
  let byTemplate = 0;
  fc.assert(
    fc.property(statement, fc.array(integer, { minLength: 3, maxLength: 3 }), (text, others) => {
      // The same text with other integers as well, so that templates are met again.
      let next = 0;
      const other = text.replace(/(?<![\w.])\d+(?![\w.])/g, (old) => {
        next++;
        return next % 2 === 0 ? old : (others[next % 3] ?? old);
      });
      for (const one of [text, other]) {
        const facts = remembered(one);
        expect(JSON.stringify(facts)).toBe(JSON.stringify(parsed(one)));
        if (typeof facts === "object" && TemplatedFacts.modelOf(facts) !== facts) byTemplate++;
      }
    }),
    { numRuns: 6000 },
  );
  expect(byTemplate).toBeGreaterThan(500);
});

test("pieces of SQL without any order have the facts, or the refusal, of their own text", () => {
  const words =
    "select from where delete update set values ( ) , ; * - -- /* */ / 1 2 33 0 007 1.5 .5 5. 1e5 1_0 0x1 a a1 _1 t1 f( 'x' '1' \" $1 $$ = < > <> [ ] : :: ! % + E1 é ? @ # \\ ~ & | ^ in or not and limit order by null".split(
      " ",
    );
  const glue = fc.constantFrom(" ", " ", " ", "", "\n");
  const pieces = fc
    .array(fc.tuple(fc.constantFrom(...words), glue), { maxLength: 14 })
    .map((list) => `select ${list.flat().join("")}`);
  fc.assert(
    fc.property(pieces, (text) => {
      const template = integerTemplate(text);
      for (const one of template === undefined ? [text] : [text, witness(text, template), text]) {
        const [found, own] = [remembered(one), parsed(one)];
        // A text that takes parameters is refused here for not having them.
        if (typeof found === "string" && found.includes("parameter")) continue;
        expect(JSON.stringify(found)).toBe(JSON.stringify(own));
      }
    }),
    { numRuns: 6000 },
  );
});

test("a copy of facts is no longer answered for by those of its template", () => {
  remembered("select a from t where a = 41");
  const facts = remembered("select a from t where a = 42");
  if (typeof facts !== "object") throw new Error(facts);
  expect(TemplatedFacts.modelOf(facts)).not.toBe(facts);
  const copy = { ...facts, writes: true };
  expect(TemplatedFacts.modelOf(copy)).toBe(copy);
  expect(JSON.parse(JSON.stringify(facts))).toEqual({ ...classifyText("select a from t where a = 42", ["app", "public"]).facts });
  expect(Object.isFrozen(facts)).toBe(true);
});
