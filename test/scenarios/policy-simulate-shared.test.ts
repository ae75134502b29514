import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { openWireWorld } from "../conformance/postgres-wire/world.ts";

/** What looks at order 7 is refused. */
const draft = `version: 1
rules:
  - { id: everything, effect: allow, role: writer, opaque: true }
  - id: not-seven
    when: sql.text.contains("= 7")
    effect: deny
`;

test("policy simulate replays what unmodified clients were allowed, each operation with its own terms", async () => {
  await using world = await openWireWorld();
  const client = new pg.Client(world.guarded);
  await client.connect();
  for (const n of [6, 7, 7]) await client.query(`select * from orders where id = ${n}`);
  await client.query("select * from orders where id = $1", [8]);
  await client.query("begin");
  await client.query("update orders set total = $2 where id = $1", [7, "1.50"]);
  await client.query("prepare p as select * from orders where id = 7");
  await client.query("execute p");
  await client.query("commit");
  await client.query("set datestyle = 'SQL, DMY'");
  await client.query("select now() as later");
  await expect(client.query("select 1/0")).rejects.toMatchObject({ code: "22012" });
  await client.end();
  const { instance } = world;
  writeFileSync(join(instance.folder, "draft.yaml"), draft);
  await instance.end();
  const { stdout, stderr } = await instance.cli("policy", "simulate", "--draft", "draft.yaml", "--json");
  const report = JSON.parse(stdout || stderr);
  expect(report.notReplayed ?? report).toMatchObject({ erased: 0, unreadable: 0 });
  // Three by text, one with a value, five of the transaction, two afterwards, and one that failed.
  expect(report.replayed).toBe(12);
  expect(report.groups).toMatchObject([{ change: "newly-refused", now: { rules: ["not-seven"] } }, {}]);
  const refused = report.groups.reduce((sum: number, group: { count: number }) => sum + group.count, 0);
  expect(refused).toBe(3);
});
