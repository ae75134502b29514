import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";

let instance: Instance;
let copies = 0;

beforeAll(async () => {
  instance = await Instance.start();
  await using cs = instance.client();
  using alice = await approverClient(instance, "alice");
  for (let n = 1; n <= 5; n++) {
    await cs.postgres("orders-db").query("select $1::int as n", [n]);
    const { id } = await cs.submit({
      kind: "postgres.query",
      resource: "orders-db",
      statement: "delete from orders where id = $1",
      parameters: [n],
    });
    await vote(alice, id, "approve");
    await waitForState(alice, id, RequestState.SUCCEEDED);
  }
  await instance.end();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

/** A copy of the data folder with its audit log changed by hand. */
function changed(change: (database: Sqlite.Database) => void): string {
  const copy = join(instance.folder, `copy-${++copies}`);
  // With its modes: keys that others can read are refused.
  execFileSync("cp", ["-a", instance.data, copy]);
  const database = new Sqlite(join(copy, "audit.db"));
  change(database);
  database.close();
  return copy;
}

describe("au-tamper: a changed log does not verify, and the place is named", () => {
  test("untouched it verifies", async () => {
    const { code, stdout } = await instance.cli(
      "audit",
      "verify",
      "--data",
      changed(() => {}),
    );
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("intact") });
  });

  test.each<[string, (database: Sqlite.Database) => void, RegExp]>([
    [
      "one edited byte",
      (db) =>
        db
          .prepare("update records set bytes = cast(substr(bytes, 1, 20) || 'X' || substr(bytes, 22) as blob) where idx = 7")
          .run(),
      /record 7\b/,
    ],
    ["one deleted record", (db) => db.prepare("delete from records where idx = 4").run(), /record 4\b/],
    [
      "a truncated tail",
      (db) => db.prepare("delete from records where idx >= (select max(idx) - 2 from records)").run(),
      /records? \d+/,
    ],
    [
      "two records exchanged",
      (db) =>
        db.exec(
          "update records set idx = -1 where idx = 5; update records set idx = 5 where idx = 6; update records set idx = 6 where idx = -1",
        ),
      /record [56]\b/,
    ],
  ])("%s", async (_, change, place) => {
    const verified = await instance.cli("audit", "verify", "--data", changed(change));
    expect(verified.code).toBe(5);
    expect(verified.stdout + verified.stderr).toMatch(place);
  });
});

describe("a changed row in the store does not approve", () => {
  const statement = "delete from orders where id = 100";
  let id: string;

  beforeEach(async () => {
    await instance.up();
    await using cs = instance.client();
    ({ id } = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [] }));
    await instance.end();
  });

  test("a request set to approved by hand is not run", async () => {
    const database = new Sqlite(join(instance.data, "control.db"));
    const columns = database.pragma("table_info(requests)") as { name: string }[];
    expect(columns.map((column) => column.name)).toContain("state");
    const until = columns.some((column) => column.name === "valid_until_ms") ? ", valid_until_ms = 99999999999999" : "";
    expect(database.prepare(`update requests set state = 'approved'${until} where id = ?`).run(id).changes).toBe(1);
    database.close();
    await instance.up();
    using alice = await approverClient(instance, "alice");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await instance.value("select count(*)::int from orders where id = 100")).toBe(1);
    expect((await getRequest(alice, id)).summary?.state).not.toBe(RequestState.SUCCEEDED);
    await instance.end();
  });
});
