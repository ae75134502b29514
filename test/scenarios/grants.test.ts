import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Countersign } from "@countersign/sdk";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

const grants = "      grants: { maxUses: 20, maxTtl: 8h }\n";
const policy = ordersPolicy.replace("      validFor: 5m\n", `      validFor: 5m\n${grants}`);

let instance: Instance;
let cs: Countersign;
beforeAll(async () => {
  instance = await Instance.start({ policy });
});
beforeEach(() => {
  cs = instance.client();
});
afterAll(async () => {
  await cs?.close();
  await instance?.[Symbol.asyncDispose]();
});

const deletion = "delete from orders where id = $1 and status = 'duplicate'";

/** What becomes of a statement: it ran, or it waits (and is cancelled then). */
async function fate(statement: string, parameters: readonly unknown[], client = cs): Promise<string> {
  const stop = AbortSignal.timeout(1200);
  try {
    const { rowCount, receipt } = await client
      .postgres("orders-db")
      .query(statement, [...parameters], { signal: stop, cancelOnAbort: true });
    return `ran ${rowCount} by ${receipt?.grant === undefined ? "itself" : "grant"}`;
  } catch (error) {
    if (stop.aborted) return "waits";
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** Asks for something, and gives the request that waits. */
async function asked(statement: string, parameters: readonly unknown[]): Promise<string> {
  const { id } = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement, parameters: [...parameters] });
  return id;
}

async function json(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await instance.cli(...args, "--json");
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Approves as alice with a grant; gives the grant's id. */
async function grant(statement: string, parameters: readonly unknown[], terms: string, ...bounds: string[]): Promise<string> {
  const id = await asked(statement, parameters);
  const options = bounds.flatMap((bound) => ["--bound", bound]);
  const { code, stdout, stderr } = await instance.cli("approve", id, "--as", "alice", "--yes", "--grant", terms, ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const made = /grant_\w+/.exec(stdout)?.[0];
  if (made === undefined) throw new Error(stdout);
  return made;
}

const revoke = (id: string) => instance.cli("grants", "revoke", id, "--as", "bob", "--reason", "enough");
const verify = async () => (await instance.cli("audit", "verify", "--data", instance.data)).stdout;

test("an approval with a grant: three more run without a person, one outside the bounds waits, none after it is revoked", async () => {
  const shown = await asked(deletion, [5]);
  expect((await instance.cli("show", shown, "--as", "alice")).stdout).toMatch(
    /up to 20 uses within 8h\s+\$1 = "5"\s+constant 1 = "duplicate"/,
  );
  await instance.cli("deny", shown, "--as", "alice", "--yes");

  const id = await grant(deletion, [5], "uses=4,ttl=1h", "$1=range:1..100");
  expect(await fate(deletion, [10])).toBe("ran 1 by grant");
  expect(await fate(deletion, [15])).toBe("ran 1 by grant");
  expect(await fate("DELETE FROM orders WHERE id = $1 AND status = 'duplicate' -- again", [11])).toBe("ran 0 by grant");
  expect(await fate(deletion, [101])).toBe("waits");
  expect(await json("grants", "--as", "alice")).toMatchObject([{ id, state: "active", used: 3, approvers: ["alice"] }]);

  expect(await revoke(id)).toMatchObject({ code: 0 });
  expect(await fate(deletion, [20])).toBe("waits");
  expect(await instance.value("select count(*)::int from orders where id in (10, 15, 20, 105)")).toBe(2);
  expect(await json("grants", "--as", "alice")).toEqual([]);
  expect(await json("grants", "list", "--all", "--as", "alice")).toMatchObject([{ id, state: "revoked" }]);
  expect(await verify()).toContain("intact");
});

test("the agent is told that a grant agreed, and its receipt names it", async () => {
  const id = await grant(deletion, [25], "uses=1,ttl=1h", "$1=any");
  const result = await cs.postgres("orders-db").query(deletion, [30]);
  expect(result.receipt).toMatchObject({ grant: id, effect: "review" });
  expect(await fate(deletion, [35])).toBe("waits");
  expect(await json("grants", "list", "--all", "--as", "bob")).toContainEqual(
    expect.objectContaining({ id, state: "used up", used: 1 }),
  );
});

test("a submitted request, and one with an idempotency key, run by one use of a grant; the same key takes no other", async () => {
  const id = await grant(deletion, [70], "uses=3,ttl=1h", "$1=any");
  const handle = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [75] });
  const events: string[] = [];
  for await (const event of handle.events()) events.push(event.type === "approved" ? `approved by ${event.grant}` : event.type);
  expect(events.filter((type) => !["rows", "vote"].includes(type))).toEqual([
    "decided",
    `approved by ${id}`,
    "executing",
    "done",
  ]);
  expect((await handle.result()).receipt).toMatchObject({ grant: id });
  for (const _ of [1, 2]) {
    const asked = { kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [80] } as const;
    const again = await cs.submit(asked, { idempotencyKey: "once" });
    expect((await again.result()).state).toBe("succeeded");
  }
  expect(await json("grants", "--as", "alice")).toMatchObject([{ id, used: 2 }]);
  expect(await instance.value("select count(*)::int from orders where id in (75, 80)")).toBe(0);
  await revoke(id);
  expect(await verify()).toContain("intact");
});

describe("what a grant does not cover waits for a person", () => {
  let id: string;
  beforeAll(async () => {
    cs = instance.client();
    id = await grant(deletion, [40], "uses=20,ttl=8h", "$1=range:1..1000");
  });
  test.each<[string, readonly unknown[], string?]>([
    ["delete from orders where id = $1 and status = 'paid'", [45]],
    ["delete from orders where id = $1 or status = 'duplicate'", [45]],
    ["delete from orders where id >= $1 and status = 'duplicate'", [45]],
    ["delete from orders where id = $1", [45]],
    ["delete from orders where id = $1 and status = 'duplicate' returning *", [45]],
    ["delete from public.orders where id = $1 and status = 'duplicate'", [45]],
    ["update orders set status = 'duplicate' where id = $1 and status = 'duplicate'", [45]],
    [deletion, ["1e3"]],
    [deletion, [" 45"]],
    [deletion, ["0x2d"]],
    [deletion, [null]],
    [deletion, [Buffer.from([0, 0, 0, 45])]],
    [deletion, [1001]],
  ])("%s %j", async (statement, parameters) => {
    expect(await fate(statement, parameters)).toBe("waits");
  });
  test("another caller", async () => {
    const { stdout } = await instance.cli("token", "--subject", "another-agent");
    await using other = instance.client({ token: stdout.trim() });
    expect(await fate(deletion, [45], other)).toBe("waits");
  });
  test("nothing of these has used it", async () => {
    expect(await json("grants", "--as", "alice")).toMatchObject([{ id, used: 0 }]);
  });
});

test("two approvers: a grant that one of them has signed alone is none", async () => {
  const both = policy.replace("count: 1", "count: 2");
  await using two = await Instance.start({ policy: both, shares: instance });
  await using agent = two.client();
  const request = { kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [50] } as const;
  const first = await agent.submit(request);
  const vote = (id: string, as: string, ...more: string[]) => two.cli("approve", id, "--as", as, "--yes", ...more);
  expect((await vote(first.id, "alice", "--grant", "uses=9,ttl=1h")).stdout).toContain("not in force");
  expect((await two.cli("show", first.id, "--as", "bob")).stdout).toContain("with a grant: 9 uses within 1h");
  await vote(first.id, "bob", "--grant", "uses=10,ttl=1h");
  expect(await fate(deletion, [50], agent)).toBe("waits");
  const second = await agent.submit(request);
  await vote(second.id, "alice", "--grant", "uses=9,ttl=1h");
  expect((await vote(second.id, "bob", "--grant", "uses=9,ttl=1h")).stdout).toMatch(/grant_\w+ is in force/);
  expect(await fate(deletion, [50], agent)).toBe("ran 0 by grant");
});

test("a policy that permits less, or asks for more, makes a grant unusable; it is judged by the one in force", async () => {
  await using own = await Instance.start({ policy, shares: instance });
  await using agent = own.client();
  const handle = await agent.submit({ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [55] });
  expect(await own.cli("approve", handle.id, "--as", "alice", "--yes", "--grant", "uses=9,ttl=1h")).toMatchObject({ code: 0 });
  await handle.result();
  let version = 0;
  const inForce = async (): Promise<string> => JSON.parse((await own.cli("policy", "status", "--json")).stdout).digest;
  let digest = await inForce();
  const follow = async (text: string) => {
    writeFileSync(join(own.folder, "policy.yaml"), `# ${++version}\n${text}`);
    const before = digest;
    for (let tries = 0; tries < 50 && digest === before; tries++) digest = await inForce();
    expect(digest).not.toBe(before);
  };
  expect(await fate(deletion, [55], agent)).toBe("ran 0 by grant");
  for (const changed of [
    policy.replace("maxUses: 20", "maxUses: 8"),
    policy.replace("maxTtl: 8h", "maxTtl: 59m"),
    policy.replace(grants, ""),
    policy.replace("count: 1", "count: 2"),
    policy.replace("group:dba-oncall", "user:bob"),
    policy.replace("role: writer", "role: reader"),
    policy.replace("id: writes-need-a-human", "id: renamed"),
    policy.replace("effect: review\n    role: writer", "effect: review\n    role: writer\n    limits: { rows: 1 }"),
  ]) {
    await follow(changed);
    expect(await fate(deletion, [55], agent)).toBe("waits");
  }
  await follow(policy);
  expect(await fate(deletion, [55], agent)).toBe("ran 0 by grant");
});

test("uses and what ended them survive a kill; rows put back from before bring nothing back", async () => {
  await using own = await Instance.start({ policy, shares: instance });
  const client = () => own.client();
  let agent = client();
  const handle = await agent.submit({ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [60] });
  expect(await own.cli("approve", handle.id, "--as", "alice", "--yes", "--grant", "uses=2,ttl=1h")).toMatchObject({ code: 0 });
  await handle.result();
  await own.end("SIGKILL");
  const before = new Sqlite(join(own.data, "control.db"));
  const row = before.prepare("select * from standing where kind = 'grant'").get() as Record<string, unknown>;
  before.close();
  await own.up();
  agent = client();
  expect(await fate(deletion, [60], agent)).toBe("ran 0 by grant");
  expect(await fate(deletion, [60], agent)).toBe("ran 0 by grant");
  expect(await fate(deletion, [60], agent)).toBe("waits");
  await own.end("SIGKILL");
  const database = new Sqlite(join(own.data, "control.db"));
  const columns = Object.keys(row);
  database.prepare("delete from standing where kind = 'grant'").run();
  database.prepare(`insert into standing (${columns}) values (${columns.map((name) => `@${name}`)})`).run(row);
  database.close();
  await own.up();
  expect(await fate(deletion, [60], client())).toBe("waits");
  expect((await own.cli("audit", "verify", "--data", own.data)).stdout).toContain("intact");
});

test("ap-revoke: what runs by a grant is cut when it is revoked", async () => {
  const slow = "update orders set status = status where id = $1 and (select count(*) from generate_series(1, $2::int)) > 0";
  const id = await grant(slow, [65, 1], "uses=5,ttl=1h", "$2=any");
  const running = cs.postgres("orders-db").query(slow, [65, 2_000_000_000]);
  const ended = running.then(
    () => "ran",
    (error: { code: string }) => error.code,
  );
  await sleep(700);
  const from = Date.now();
  await revoke(id);
  expect(await ended).toBe("revoked");
  expect(Date.now() - from).toBeLessThan(8000);
  expect(await verify()).toContain("intact");
});
