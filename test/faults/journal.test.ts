import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openKeys, openPayload, openSqliteLogSource } from "../../packages/control/src/index.ts";
import { openWireWorld, type WireWorld } from "../conformance/postgres-wire/world.ts";

let world: WireWorld;

beforeAll(async () => {
  world = await openWireWorld();
  await world.instance.postgres.query("create table marks (n int primary key)", [], "orders");
  await world.instance.postgres.query("alter table marks owner to orders_writer", [], "orders");
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const recordSchema = z.object({
  type: z.string(),
  payload: z.object({ hash: z.string(), size: z.number() }).optional(),
  detail: z.looseObject({ part: z.int(), recovered: z.boolean().optional() }).optional(),
});
const payloadSchema = z.object({
  operations: z.array(z.object({ statement: z.string() })),
  passages: z.array(z.tuple([z.int(), z.int(), z.number(), z.number(), z.int(), z.int(), z.string()], z.unknown())),
});

/** What the log says of each statement, by its text: its states, one for each time that it was recorded. */
async function logged(): Promise<{ readonly statements: Map<string, string[]>; readonly recovered: number }> {
  const { data } = world.instance;
  const { payload: key } = openKeys(data);
  const source = openSqliteLogSource(join(data, "audit.db"));
  const statements = new Map<string, string[]>();
  let recovered = 0;
  try {
    for await (const { index, bytes } of source.records()) {
      const record = recordSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
      if (record?.type !== "statements" || record.payload === undefined) continue;
      const sealed = source.sealedPayload(index) ?? expect.fail("no payload");
      const opened = payloadSchema.parse(JSON.parse(openPayload(key, sealed, record.payload).toString()));
      if (record.detail?.recovered) recovered++;
      for (const [, operation, , , , , state] of opened.passages) {
        // What runs is told by the second part, too.
        if (state === "running") continue;
        const { statement = "" } = opened.operations[operation] ?? {};
        statements.set(statement, [...(statements.get(statement) ?? []), state]);
      }
    }
  } finally {
    source.close();
  }
  return { statements, recovered };
}

/** A restarted process has another port. */
function door(): WireWorld["guarded"] {
  return { ...world.guarded, port: Number(world.instance.at.postgres[0]?.address.split(":").at(-1)) };
}

let next = 0;

/** Asks one thing after the other, each with a number of its own, until the connection breaks; gives what was answered. */
async function ask(answered: Set<string>): Promise<void> {
  const client = new pg.Client(door());
  client.on("error", () => {});
  try {
    await client.connect();
    for (;;) {
      const n = ++next;
      const statement = n % 10 === 0 ? `insert into marks values (${n})` : `select ${n} as mark${n}`;
      if (n % 3 === 0) await client.query({ text: statement, values: [] });
      else await client.query(statement);
      answered.add(statement);
    }
  } catch {
    // The process was killed.
  } finally {
    await client.end().catch(() => {});
  }
}

test("au-crash: kill -9 in the middle of traffic: what reached the target is in the log exactly once", async () => {
  const { instance, recorder } = world;
  for (const [round, afterMs] of [150, 420, 1_100].entries()) {
    const answered = new Set<string>();
    recorder.forget();
    const asking = Promise.all(Array.from({ length: 8 }, () => ask(answered)));
    await expect.poll(() => answered.size, { timeout: 20_000 }).toBeGreaterThan(20);
    await sleep(afterMs);
    await instance.end("SIGKILL");
    await asking;
    expect(readdirSync(join(instance.data, "journal"))).not.toEqual([]);
    await instance.up();

    const { statements, recovered } = await logged();
    const reached = [
      ...new Set(recorder.bytes.toString("latin1").match(/(select \d+ as mark\d+|insert into marks values \(\d+\))(?=\0)/g)),
    ];
    expect(answered.size, `round ${round}`).toBeGreaterThan(20);
    expect(reached.length).toBeGreaterThanOrEqual(answered.size);
    expect(reached.filter((one) => statements.get(one)?.length !== 1)).toEqual([]);
    expect([...statements].filter(([, states]) => states.length !== 1)).toEqual([]);
    expect(recovered).toBeGreaterThan(round);
    // An end that was lost is a doubt, not a success or a failure that nobody saw.
    for (const one of answered) expect(["succeeded", "unknown"]).toContain(statements.get(one)?.[0]);
    const inserted = await instance.postgres.query("select n from marks", [], "orders");
    for (const { n } of inserted) expect(statements.get(`insert into marks values (${n})`)).toHaveLength(1);
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  }
});

test("an orderly stop leaves nothing behind, and the log knows all of it", async () => {
  const { instance } = world;
  const client = new pg.Client(door());
  await client.connect();
  await client.query("select 'the last one' as word");
  await client.end();
  await instance.end();
  const journal = join(instance.data, "journal");
  expect(existsSync(journal) ? readdirSync(journal) : []).toEqual([]);
  expect((await logged()).statements.get("select 'the last one' as word")).toEqual(["succeeded"]);
});
