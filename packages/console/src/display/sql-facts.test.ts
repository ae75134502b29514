import { expect, test } from "vitest";
import { type SqlFacts, sqlSentences as sentences, sqlWish as wish } from "./sql-facts.ts";

const facts = (sql: Partial<SqlFacts>): SqlFacts => ({
  ...{
    kinds: [],
    readOnly: false,
    writes: false,
    ddl: false,
    reads: [],
    writesTo: [],
    functions: [],
    hasWhere: false,
    opaque: false,
    doubts: [],
    statements: 1,
  },
  ...sql,
});
const deletion = facts({ kinds: ["DELETE"], writes: true, writesTo: ["public.orders"], hasWhere: true });

test("a deletion is named with its table", () => {
  expect(wish(deletion)).toBe("delete rows from public.orders");
  expect(sentences(deletion)).toEqual([
    { tone: "caution", text: "Writes to public.orders." },
    { tone: "plain", text: "Limited by a WHERE clause." },
  ]);
});

test("a deletion without WHERE says first that every row goes", () => {
  expect(sentences({ ...deletion, hasWhere: false })[0]).toEqual({
    tone: "danger",
    text: "No WHERE clause that limits it: every row of public.orders may be affected.",
  });
});

test("an opaque statement says first that it was not understood, and never that it only reads", () => {
  const said = sentences(facts({ kinds: ["SELECT"], readOnly: true, opaque: true, functions: ["f"] }));
  expect(said[0]?.tone).toBe("danger");
  expect(said.map((one) => one.text)).not.toContain("Only reads.");
});

test.each([
  [{ kinds: ["SELECT"], reads: ["public.customers"] }, "read public.customers"],
  [{ kinds: ["SELECT"] }, "read data"],
  [
    { kinds: ["DELETE", "EXPLAIN", "EXPLAIN ANALYZE"], writesTo: ["public.a"] },
    "delete rows from public.a and run EXPLAIN ANALYZE",
  ],
  [{ kinds: ["DROP", "DROP TABLE"], writesTo: ["public.a"], ddl: true }, "run DROP TABLE on public.a"],
  [{ kinds: ["INSERT", "SELECT"], writesTo: ["a", "b"] }, "insert rows into a and b"],
  [{ kinds: ["SELECT", "SELECT FOR UPDATE"], writesTo: ["a"] }, "lock rows of a"],
  [{ kinds: [] }, "run a statement"],
])("%j asks to %s", (sql, words) => {
  expect(wish(facts(sql))).toBe(words);
});

test("the doubts of an opaque statement are given", () => {
  expect(sentences(facts({ opaque: true, doubts: ["DO runs code"] }))[0]?.text).toContain("(DO runs code)");
});
