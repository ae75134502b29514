import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError, classify, type Facts, loadParser, type PostgresQuery } from "@countersign/policy";
import { beforeAll, expect, test } from "vitest";
import { Classifier } from "./classifier.ts";

beforeAll(loadParser);

const options = { searchPath: ["public"] };

const query = (statement: string): PostgresQuery => ({ kind: "postgres.query", statement, parameters: [] });

/** A statement of many small parts, the worst kind for its size. */
const columns = (count: number): string => `select ${Array(count).fill("1").join(",")} from orders`;

async function refusal(promise: Facts | Promise<Facts>): Promise<string> {
  try {
    await promise;
    return "classified";
  } catch (error) {
    return error instanceof CountersignError ? error.code : `untyped: ${error}`;
  }
}

test("a small operation is classified in the caller's turn", async () => {
  await using classifier = new Classifier();
  expect(classifier.classify(query("select 1"), options)).toEqual(classify(query("select 1"), options));
});

test("a large one gets the same facts from a thread, frozen, and nobody waits meanwhile", async () => {
  await using classifier = new Classifier();
  const statement = columns(200_000);
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const facts = await classifier.classify(query(statement), options);
  clearInterval(timer);
  expect(facts).toEqual(classify(query(statement), options));
  expect(facts.protocol === "postgres" && Object.isFrozen(facts.sql) && Object.isFrozen(facts.sql.tables)).toBe(true);
  expect(turns).toBeGreaterThan(10);
});

test("pg-parse: what the thread refuses is refused with its code", async () => {
  await using classifier = new Classifier();
  expect(await refusal(classifier.classify(query(`${columns(100_000)} where (`), options))).toBe("invalid_operation");
  expect(await refusal(classifier.classify(query(`select '${"x".repeat(1024 * 1024)}'`), options))).toBe("operation_too_large");
});

test("ld-flood: only so many large ones wait; those are all answered", async () => {
  await using classifier = new Classifier();
  const statement = columns(40_000);
  const answers = Array.from({ length: 40 }, async (_, index) => {
    try {
      return await classifier.classify(query(`${statement} where id = ${index}`), options);
    } catch (error) {
      return error instanceof CountersignError ? error.code : `untyped: ${error}`;
    }
  });
  const got = await Promise.all(answers);
  expect(got.filter((answer) => answer === "too_many_requests")).toHaveLength(8);
  expect(got.filter((answer) => typeof answer === "object")).toHaveLength(32);
});

test("closing refuses what waits, and what comes later", async () => {
  const classifier = new Classifier();
  const waiting = refusal(classifier.classify(query(columns(190_000)), options));
  await sleep(50);
  await classifier[Symbol.asyncDispose]();
  expect(await waiting).toBe("shutting_down");
  expect(() => classifier.classify(query(columns(180_000)), options)).toThrow(CountersignError);
});
