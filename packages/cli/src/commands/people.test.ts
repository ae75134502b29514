import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Countersign as Client } from "@countersign/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig } from "../config/load.ts";
import { type Countersign, type CountersignOptions, startCountersign } from "../countersign.ts";
import { exitCodes } from "../exit.ts";
import { run } from "../run.ts";
import { testingTerminal } from "../terminal/testing-terminal.ts";

let folder: string;
let countersign: Countersign;
let agent: Client;
const told: string[] = [];

const policy = `version: 1
rules:
  - id: reads
    when: sql.readOnly
    effect: review
    approval: { stages: [{ approvers: [group:nobody] }] }
  - id: writes
    when: sql.writes
    effect: review
    approval:
      stages: [{ approvers: [group:dba], count: 2 }]
      breakGlass: { approvers: [user:erin] }
`;
// Nothing answers at that address: what is approved fails, and that is enough here.
const config = `version: 1
approvers:
  - { name: alice, groups: [dba] }
  - { name: bob, groups: [dba], accounts: [bob@example.com] }
  - { name: erin }
  - { name: zoe }
resources:
  - name: orders-db
    type: postgres
    address: 127.0.0.1:1
    database: orders
    tls: disable
    roles: { writer: { user: w, password: { env: W } } }
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-people-"));
  await writeFile(join(folder, "policy.yaml"), policy);
  const onEmergency: CountersignOptions["onEmergency"] = ({ requestId }, change) => void told.push(`${change} ${requestId}`);
  countersign = await startCountersign(checkConfig(join(folder, "countersign.yaml"), config), {
    environment: { W: "w" },
    onEmergency,
    onInternalError: (error) => expect.fail(String(error)),
  });
  agent = new Client({ address: countersign.addresses.agent[0] });
});
afterAll(async () => {
  await agent?.close();
  await countersign?.close();
  await rm(folder, { recursive: true, force: true });
});

async function hold(statement = "delete from orders where id = 1"): Promise<string> {
  return (await agent.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [] })).id;
}

async function cli(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = testingTerminal({ env: { COUNTERSIGN_DATA: countersign.dataFolder }, cwd: folder });
  const code = await run(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

test("approve --break-glass approves alone, says so everywhere, and the review is closed by somebody else", async () => {
  const id = await hold();
  const breaking = ["approve", id, "--break-glass", "--yes"];
  expect(await cli(...breaking, "--as", "erin")).toMatchObject({ code: exitCodes.usage, err: expect.stringContaining("-m") });
  expect(await cli(...breaking, "--as", "alice", "-m", "now")).toMatchObject({
    code: exitCodes.failure,
    err: expect.stringContaining("no rule that holds it names you for emergencies"),
  });
  const broken = await cli(...breaking, "--as", "erin", "--comment", "the site is down");
  expect(broken).toMatchObject({
    code: exitCodes.ok,
    out: expect.stringContaining("EMERGENCY: somebody else has to review it by"),
  });
  expect(told).toEqual([`opened ${id}`]);
  const shown = await cli("show", id, "--as", "alice");
  expect(shown.out).toMatch(/^EMERGENCY: somebody approved this alone\. Somebody else has to review it within/);
  expect(shown.out).toContain("approved ALONE, IN AN EMERGENCY: the site is down");
  const list = await cli("requests", "--as", "alice");
  expect(list.err).toContain("EMERGENCY: 1 request approved by one person alone to be reviewed: countersign reviews");
  expect((await cli("requests", "--all", "--as", "alice")).out).toContain("EMERGENCY, TO BE REVIEWED: delete from orders");
  expect((await cli("reviews", "--as", "alice")).out).toMatch(new RegExp(`${id}\\s+due in (1d|23h).*erin.*the site is down`));
  expect(await cli("reviews", "close", id, "--finding", "fine", "--as", "erin")).toMatchObject({ code: exitCodes.failure });
  expect(await cli("reviews", "close", id.slice(-8), "--finding", "it was right", "--as", "alice")).toMatchObject({
    code: exitCodes.ok,
    out: `The review of ${id} is closed.\n`,
  });
  expect(await cli("reviews", "--as", "alice")).toMatchObject({ out: "", err: "No emergency waits for its review.\n" });
  const all = JSON.parse((await cli("reviews", "--all", "--json", "--as", "alice")).out);
  expect(all).toMatchObject([{ requestId: id, by: "erin", closedBy: "alice", finding: "it was right" }]);
  expect((await cli("show", id, "--as", "alice")).out).toMatch(/^EMERGENCY: somebody approved this alone\. It was reviewed\./);
});

test("delegate, delegations, and what a delegate votes", async () => {
  const id = await hold();
  const until = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  expect((await cli("approve", id, "--yes", "--as", "zoe")).code).toBe(exitCodes.failure);
  const made = await cli("delegate", "--to", "zoe", "--until", until, "--reason", "leave", "--as", "alice", "--json");
  const { id: delegation } = JSON.parse(made.out);
  expect((await cli("delegations", "--as", "bob")).out).toMatch(
    new RegExp(`${delegation}\\s+alice\\s+zoe\\s.*${until} 00:00:00\\s+leave`),
  );
  expect((await cli("approve", id, "--yes", "--as", "zoe")).code).toBe(exitCodes.ok);
  expect((await cli("show", id, "--as", "bob")).out).toContain("(who votes for alice) approved");
  expect((await cli("delegations", "end", delegation, "--as", "bob")).code).toBe(exitCodes.failure);
  expect(await cli("delegations", "end", delegation.slice(-6), "--as", "alice")).toMatchObject({
    out: "zoe no longer votes for alice.\n",
  });
  expect((await cli("delegations", "--as", "bob")).err).toBe("Nobody votes for anybody else.\n");
  for (const wrong of [
    ["--until", "tomorrow"],
    ["--until", "31d"],
    ["--until", "1d", "--from", "2026-02-31x"],
  ]) {
    expect((await cli("delegate", "--to", "zoe", ...wrong, "--as", "alice")).code).toBe(exitCodes.usage);
  }
});

test("lock, locks, unlock and revoke", async () => {
  const [first, second] = [await hold(), await hold("delete from orders where id = 2")];
  expect(await cli("revoke", first, "--reason", "withdrawn", "--as", "bob")).toMatchObject({
    code: exitCodes.ok,
    out: `Revoked ${first}. It will not run.\n`,
  });
  expect((await cli("revoke", first, "--reason", "again", "--as", "bob")).code).toBe(exitCodes.failure);
  const locked = await cli("lock", "resource", "orders-db", "--reason", "maintenance", "--as", "alice");
  expect(locked.out).toMatch(/^Locked: resource orders-db\. The lock is lock_/);
  const [lock] = JSON.parse((await cli("locks", "--json", "--as", "bob")).out);
  expect(lock).toMatchObject({ kind: "resource", name: "orders-db", by: "alice", reason: "maintenance" });
  const { state } = JSON.parse((await cli("show", second, "--json", "--as", "bob")).out);
  expect(state).toBe("cancelled");
  await expect(hold()).rejects.toMatchObject({ code: "revoked" });
  expect((await cli("unlock", lock.id, "--reason", "done", "--as", "bob")).out).toBe("No longer locked: resource orders-db.\n");
  expect((await cli("locks", "--as", "bob")).err).toBe("Nothing is locked.\n");
  const caller = await cli("lock", "principal", "local-agent", "--reason", "wild", "--as", "alice");
  expect(caller.out).toContain("principal local-agent (by unix)");
  await expect(hold()).rejects.toMatchObject({ code: "revoked" });
  await cli("unlock", "lock_", "--reason", "tame", "--as", "alice");
  expect((await cli("lock", "approver", "bob@example.com", "--reason", "left", "--as", "alice")).code).toBe(exitCodes.ok);
  const third = await hold();
  expect((await cli("approve", third, "--yes", "--as", "bob")).code).toBe(exitCodes.failure);
  await cli("unlock", "lock_", "--reason", "back", "--as", "alice");
});

test("resolve says what became of a doubt, and of nothing else", async () => {
  const id = await hold();
  const resolve = ["resolve", id, "--reason", "looked", "--approver", "alice"];
  expect((await cli(...resolve, "--as", "happened")).err).toContain("there is no doubt to clear up");
  expect((await cli(...resolve, "--as", "maybe")).code).toBe(exitCodes.usage);
  expect((await cli(...resolve)).code).toBe(exitCodes.usage);
});

test("what is asked for several times is listed once", async () => {
  const statement = "delete from orders where id = 77";
  const ids = [await hold(statement), await hold(statement), await hold(statement)];
  const lines = async (...args: string[]) =>
    (await cli("requests", "--as", "alice", ...args)).out.split("\n").filter((one) => one.includes("id = 77"));
  expect(await lines()).toEqual([expect.stringMatching(/×3 delete/)]);
  expect(await lines("--each")).toHaveLength(3);
  await cli("approve", ids[0] ?? "", "--yes", "--as", "alice");
  const { votes } = JSON.parse((await cli("show", ids[1] ?? "", "--json", "--as", "alice")).out);
  expect(votes ?? []).toEqual([]);
});

test("what nobody could approve is refused at once", async () => {
  await expect(hold("select 1")).rejects.toMatchObject({
    code: "nobody_can_approve",
    message: expect.stringContaining("the rule reads asks for 1 of group:nobody, and nobody could agree"),
  });
});
