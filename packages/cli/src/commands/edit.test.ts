import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Countersign as Client } from "@countersign/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig } from "../config/load.ts";
import { type Countersign, startCountersign } from "../countersign.ts";
import { exitCodes } from "../exit.ts";
import { run } from "../run.ts";
import { testingTerminal } from "../terminal/testing-terminal.ts";

let folder: string;
let countersign: Countersign;
let agent: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-edit-"));
  await writeFile(
    join(folder, "policy.yaml"),
    `version: 1
rules:
  - id: deletes
    when: sql.writes
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba], count: 1 }] }
  - { id: reads, when: sql.readOnly, effect: allow, role: writer }
  - { id: never, when: 'sql.kinds.exists(k, k == "DROP")', effect: deny, message: Ask the platform team. }
`,
  );
  // Nothing answers at that address: what runs fails, and that is enough here.
  const config = checkConfig(
    join(folder, "countersign.yaml"),
    `version: 1
approvers: [{ name: alice, groups: [dba] }, { name: mallory }]
resources:
  - name: orders-db
    type: postgres
    address: 127.0.0.1:1
    database: orders
    tls: disable
    roles: { writer: { user: w, password: { env: W } } }
`,
  );
  countersign = await startCountersign(config, {
    environment: { W: "w" },
    onInternalError: (error) => expect.fail(String(error)),
  });
  agent = new Client({ address: countersign.addresses.agent[0] });
});
afterAll(async () => {
  await agent?.close();
  await countersign?.close();
  await rm(folder, { recursive: true, force: true });
});

async function hold(statement: string, parameters: readonly unknown[] = []): Promise<string> {
  return (await agent.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters })).id;
}

async function edit(
  id: string,
  options: readonly string[],
  terminal: { typed?: string; env?: Record<string, string> } = {},
): Promise<{ code: number; out: string; err: string }> {
  const testing = testingTerminal({ cwd: folder, ...terminal });
  const argv = ["edit", id, "--as", "alice", "-m", "Only the duplicate.", ...options, "--data", countersign.dataFolder];
  const code = await run(argv, testing);
  return { code, out: testing.out(), err: testing.err() };
}

test("shows the difference, escaped, and proposes only after a yes", async () => {
  const id = await hold("delete\nfrom orders");
  const statement = "delete\nfrom orders\nwhere id = 7 -- \u202egnihton";
  const refused = await edit(id, ["--statement", statement], { typed: "n\n" });
  expect(refused).toMatchObject({ code: exitCodes.failure, err: expect.stringContaining("nothing was changed") });
  expect(refused.out).toBe("  delete\n  from orders\n+ where id = 7 -- \\u{202e}gnihton\n");
  const done = await edit(id, ["--statement", statement], { typed: "y\n" });
  expect(done.code).toBe(exitCodes.ok);
  expect(done.out).toMatch(
    new RegExp(`Edited\\. req_\\w+ takes the place of ${id}\\.\nIt waits for approval:\n  deletes: 0 of 1 from group:dba\n`),
  );
  expect(done.out).toMatch(/Approve it with: countersign approve req_/);
  expect((await edit(id, ["--statement", "delete from x", "--yes"])).err).toContain("cancelled");
});

test("values are given anew, or kept as far as the statement names them", async () => {
  const id = await hold("delete from orders where id = $1 and note = $2", ["7", null]);
  const values = await edit(id, ["--param", "8", "--param", "\\N", "--yes", "--json"]);
  const { id: next, ...shown } = JSON.parse(values.out);
  expect(shown.operation.postgresQuery).toEqual({
    statement: "delete from orders where id = $1 and note = $2",
    parameters: [{ text: "8" }, { null: true }],
  });
  expect(values.err).toContain('- $1  "7"\n+ $1  "8"\n  $2  NULL\n');
  const fewer = await edit(next, ["--statement", "delete from orders where id = $1", "--yes", "--json"]);
  expect(JSON.parse(fewer.out).operation.postgresQuery.parameters).toEqual([{ text: "8" }]);
  expect(JSON.parse(fewer.out)).toMatchObject({ replaces: next, replacesWhy: "Edited by alice: Only the duplicate." });
});

test("from a file, or in an editor on a terminal", async () => {
  await writeFile(join(folder, "narrow.sql"), "delete from orders where id = 9\n");
  const id = await hold("delete from orders");
  const filed = await edit(id, ["--file", "narrow.sql", "--yes", "--json"]);
  const { id: next, operation } = JSON.parse(filed.out);
  expect(operation.postgresQuery.statement).toBe("delete from orders where id = 9");
  const PATH = process.env.PATH ?? "";
  const edited = await edit(next, ["--yes", "--json"], { typed: "", env: { PATH, EDITOR: "sed -i s/9/10/" } });
  expect(JSON.parse(edited.out).operation.postgresQuery.statement).toBe("delete from orders where id = 10");
  const last = JSON.parse(edited.out).id;
  expect(await edit(last, [], { typed: "", env: { PATH, EDITOR: "true" } })).toMatchObject({
    code: exitCodes.failure,
    err: expect.stringContaining("Nothing was changed"),
  });
  expect((await edit(last, [], { typed: "", env: { PATH, EDITOR: "false" } })).err).toContain("ended with an error");
  expect(await edit(last, [], { typed: "", env: { PATH } })).toMatchObject({ code: exitCodes.usage });
  expect(await edit(last, ["--file", "nowhere.sql"])).toMatchObject({ code: exitCodes.usage });
  expect(await edit(last, [])).toMatchObject({ code: exitCodes.usage, err: expect.stringContaining("--statement") });
  expect(await edit(last, ["--statement", "select 1"])).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("--yes"),
  });
});

test("what policy refuses is said, and what it lets run runs", async () => {
  const id = await hold("delete from orders");
  const denied = await edit(id, ["--statement", "drop table orders", "--yes"]);
  expect(denied).toMatchObject({ code: exitCodes.refused, err: expect.stringContaining("Ask the platform team.") });
  const read = await edit(id, ["--statement", "select count(*) from orders", "--yes"]);
  expect(read.out).toContain("Policy lets it run without anybody's approval.");
});
