import { beforeAll, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { isPrompt } from "../postgres.ts";
import { classifyText } from "./classify.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

/** A text of so many characters is still classified in the caller's turn. */
const most = 8192;

function fill(head: string, unit: string, tail = ""): string {
  return head + unit.repeat(Math.floor((most - head.length - tail.length) / unit.length)) + tail;
}

/** The densest texts that we know: most nodes, names, lists and levels for each byte, and what is read more than once. */
const worst: Readonly<Record<string, string>> = {
  comparisons: fill("select a=b", ",a=b"),
  columns: fill("select a", ",a"),
  constants: fill("select 1", ",1"),
  "sort keys": fill("select 1 order by a", ",a"),
  "deep sums": fill("select 1", `,${"1+".repeat(400)}1`),
  "deep arrays": fill("select 1", `,array[${"[".repeat(200)}${"]".repeat(200)}]`),
  "arrays in arrays": fill("select 1", `,${"array[".repeat(200)}1${"]".repeat(200)}`),
  "lists in lists": `select 1 where ${"a in (".repeat(200)}1${")".repeat(200)}`,
  "a list": fill("select 1 where a in (1", ",1", ")"),
  rows: fill("values (1)", ",(1)"),
  calls: fill("select f()", ",f()"),
  "functions in FROM": fill("select 1 from abs(1) a", ",abs(1) a"),
  casts: fill("select 1::int", ",1::int"),
  fields: fill("select (a).b", ".b"),
  "compared with itself": fill("delete from t where a=a", " and a=a"),
  "long sides": `delete from t where f(${fill("a", ",a").slice(0, 4000)})=f(${fill("a", ",a").slice(0, 4000)})`,
  tables: fill("select 1 from t", ",t"),
  statements: fill("select 1", ";select 1"),
  "row locks": `select 1 from ${Array.from({ length: 200 }, (_, index) => `t${index}`).join()}${" for update".repeat(500)}`,
  "many WITH": fill("with recursive a as (select)", ",a as (select)", "select"),
  "options of EXPLAIN": fill("explain(a", ",a", ")select"),
  privileges: fill("grant select on t", ",t", " to a"),
  escapes: fill("select '", "\u0001", "'"),
  comments: fill("select 1", "/**/"),
  "nested comments": `select 1 ${"/* ".repeat(1300)}${" */".repeat(1300)}`,
  "operators in runs": fill("select 1 ", `${"+-".repeat(120)} `, "1"),
  "an error at the end": fill("select a", ",a", " from"),
};

test("the length is where the other thread takes over", () => {
  const query = (length: number) => ({ kind: "postgres.query" as const, statement: " ".repeat(length), parameters: [] });
  expect(isPrompt(query(most), { searchPath: [] })).toBe(true);
  expect(isPrompt(query(most + 1), { searchPath: [] })).toBe(false);
});

test.each(Object.entries(worst))("the worst of what is classified at once does not hold the event loop: %s", async (_, text) => {
  expect(text.length).toBeLessThanOrEqual(most);
  const times: number[] = [];
  // The quickest of a few: the first use of the code is not what is measured.
  for (let round = 0; round < 8; round++) {
    times.push(cpuMsOf(text));
    await loadParser();
  }
  expect(Math.min(...times)).toBeLessThan(50);
});

/** The processor's time in this thread, so that a busy machine makes no difference. */
function cpuMsOf(text: string): number {
  const started = process.threadCpuUsage();
  try {
    classifyText(text, ["public"]);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
  }
  const { user, system } = process.threadCpuUsage(started);
  return (user + system) / 1000;
}
