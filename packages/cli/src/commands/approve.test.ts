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
  folder = await mkdtemp(join(tmpdir(), "cs-approve-"));
  await writeFile(
    join(folder, "policy.yaml"),
    `version: 1
rules:
  - id: everything
    resources: ["*"]
    effect: review
    approval: { stages: [{ approvers: [group:dba], count: 2 }] }
`,
  );
  // Nothing answers at that address: what is approved fails, and that is enough here.
  const config = checkConfig(
    join(folder, "countersign.yaml"),
    `version: 1
approvers: [{ name: alice, groups: [dba] }, { name: bob, groups: [dba] }, { name: mallory }]
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
  const handle = await agent.submit(
    { kind: "postgres.query", resource: "orders-db", statement, parameters },
    { reason: "because\u001b[2J" },
  );
  return handle.id;
}

async function countersignCommand(argv: readonly string[], typed?: string): Promise<{ code: number; out: string; err: string }> {
  const terminal = testingTerminal({ cwd: folder, ...(typed !== undefined && { typed }) });
  const code = await run([...argv, "--data", countersign.dataFolder], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

test("approve shows the whole operation, escaped, and votes only after a yes", async () => {
  const id = await hold("delete from orders -- \u202egnihton\nwhere id = $1", ["7\u001b[8m"]);
  const refused = await countersignCommand(["approve", id, "--as", "alice"], "n\n");
  expect(refused).toMatchObject({ code: exitCodes.failure, err: expect.stringContaining("no vote was cast") });
  expect(refused.out).toContain("  delete from orders -- \\u{202e}gnihton\n  where id = $1");
  expect(refused.out).toContain('$1  "7\\u001b[8m"');
  expect(refused.out).toContain("because\\u{1b}[2J");
  expect(`${refused.out}${refused.err}`).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u);

  const accepted = await countersignCommand(["approve", id, "--as", "alice"], "y\n");
  expect(accepted.code).toBe(exitCodes.ok);
  expect(accepted.out).toContain(`Approved ${id}. More approvals are needed:`);
  expect(accepted.out).toContain("everything: 1 of 2 from group:dba");
});

test("a vote that nobody can confirm needs --yes", async () => {
  const id = await hold("delete from orders where id = 1");
  expect(await countersignCommand(["approve", id, "--as", "alice"])).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("Add --yes"),
  });
  expect((await countersignCommand(["approve", id, "--as", "alice", "--yes", "--json"])).out).toContain('"VERDICT_APPROVE"');
});

test("an ID may be shortened from either side, unless it could be another's", async () => {
  const id = await hold("delete from orders where id = 2");
  expect((await countersignCommand(["show", id.slice(-12), "--as", "bob"])).out).toContain(id);
  expect((await countersignCommand(["show", id.slice(4, -1), "--as", "bob"])).out).toContain(id);
  expect(await countersignCommand(["show", "req_", "--as", "bob"])).toMatchObject({
    code: exitCodes.failure,
    err: expect.stringContaining("could be"),
  });
  expect((await countersignCommand(["show", "nothing", "--as", "bob"])).err).toContain("There is no request nothing");
});

test("deny ends it, with the comment for the agent; afterwards nobody can approve", async () => {
  const id = await hold("delete from orders where id = 3");
  const denied = await countersignCommand(["deny", id, "--as", "bob", "--yes", "-m", "use the archive"]);
  expect(denied.out).toContain(`Denied ${id}. It will not run.`);
  expect((await countersignCommand(["approve", id, "--as", "alice", "--yes"])).err).toContain("You cannot vote on this request");
  const shown = JSON.parse((await countersignCommand(["show", id, "--as", "alice", "--json"])).out);
  expect(shown).toMatchObject({ id, state: "denied", votes: [{ comment: "use the archive" }], facts: { protocol: "postgres" } });
});

test("who is not asked cannot vote, and who is not configured is told who is", async () => {
  const id = await hold("delete from orders where id = 4");
  expect(await countersignCommand(["approve", id, "--as", "mallory", "--yes"])).toMatchObject({ code: exitCodes.failure });
  expect(await countersignCommand(["approve", id, "--as", "eve", "--yes"])).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("alice, bob, mallory"),
  });
});

test("requests lists the pending ones, all of them, or those of a state", async () => {
  const pending = await hold("delete from orders where id = 5");
  const list = async (...options: string[]): Promise<{ id: string; state: string }[]> =>
    JSON.parse((await countersignCommand(["requests", "--as", "alice", "--json", ...options])).out);
  expect((await list()).map(({ id }) => id)).toContain(pending);
  expect(new Set((await list()).map(({ state }) => state))).toEqual(new Set(["pending"]));
  expect(new Set((await list("--state", "denied")).map(({ state }) => state))).toEqual(new Set(["denied"]));
  expect((await list("--all")).length).toBeGreaterThan((await list()).length);
});

test("a denied query ends with its own exit status, and says so as JSON too", async () => {
  const query = countersignCommand(["query", "orders-db", "delete from orders where id = 6", "--json"]);
  let id: string | undefined;
  while (id === undefined) {
    const found = JSON.parse((await countersignCommand(["requests", "--as", "alice", "--json"])).out);
    id = found.find((one: { headline: string }) => one.headline.endsWith("id = 6"))?.id;
  }
  await countersignCommand(["deny", id, "--as", "alice", "--yes"]);
  const { code, out, err } = await query;
  expect(code).toBe(exitCodes.refused);
  expect(JSON.parse(out)).toMatchObject({ state: "denied", requestId: id, error: { code: "denied" } });
  expect(err).toContain(`countersign approve ${id} --data ${countersign.dataFolder}`);
});

test("sign-in prints a link of the running console", async () => {
  expect((await countersignCommand(["sign-in", "--as", "bob"])).out).toMatch(
    new RegExp(`^${countersign.addresses.console}/sign-in#[\\w-]{43}\n$`),
  );
});
