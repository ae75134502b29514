import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { PlainTables } from "./plain-tables.ts";

function asked(answer: Readonly<Record<string, "t" | "f">>) {
  const questions: string[] = [];
  let nowMs = 0;
  const ask = async (sql: string) => {
    questions.push(sql);
    return Object.entries(answer).filter(([name]) => sql.includes(`'${name}'`));
  };
  return { questions, tables: new PlainTables(ask, () => nowMs), pass: (ms: number) => (nowMs += ms) };
}

test("a name is not plain before it is known, and again after a while", async () => {
  const { tables, questions, pass } = asked({ "public.item": "t" });
  expect(tables.arePlain(["public.item"])).toBe(false);
  expect(tables.arePlain(["public.item"])).toBe(false);
  expect(questions).toHaveLength(1);
  await turn();
  expect(tables.arePlain(["public.item", "pg_catalog.pg_class"])).toBe(true);
  pass(5_001);
  expect(tables.arePlain(["public.item"])).toBe(false);
  await turn();
  expect(questions).toHaveLength(2);
});

test("a view, a table with policies, and what others do not see (a temporary view) are not", async () => {
  const { tables } = asked({ "public.item": "t", "public.v": "f" });
  for (const name of ["public.v", "public.temporary"]) {
    tables.arePlain(["public.item", name]);
    await turn();
    expect([name, tables.arePlain(["public.item", name])]).toEqual([name, false]);
  }
  expect(tables.arePlain(["public.item"])).toBe(true);
});

test("an unqualified name may be in several schemas", async () => {
  const { tables } = asked({ "b.item": "t", "b.v": "f" });
  tables.arePlain(["a.item", "b.item", "a.v", "b.v"]);
  await turn();
  expect(tables.arePlain(["a.item", "b.item"])).toBe(true);
  expect(tables.arePlain(["a.v", "b.v"])).toBe(false);
});
