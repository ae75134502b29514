import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestState } from "@countersign/rpc";
import type { Decision } from "@countersign/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { approverClient, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

interface Status {
  readonly digest: string;
  readonly failure?: { readonly problems: readonly { readonly file: string; readonly line: number; readonly message: string }[] };
}

async function status(): Promise<Status> {
  return JSON.parse((await instance.cli("policy", "status", "--json")).stdout);
}

/** Replaces the file, as editors and configuration tools do. */
function write(text: string): void {
  writeFileSync(join(instance.folder, "policy.yaml.new"), text);
  renameSync(join(instance.folder, "policy.yaml.new"), join(instance.folder, "policy.yaml"));
}

/** Replaces the file and waits until its policy decides. */
async function inForce(text: string): Promise<string> {
  const before = await status();
  write(text);
  for (let tries = 0; tries < 100; tries++) {
    const { digest, failure } = await status();
    if (digest !== before.digest && failure === undefined) return digest;
    await sleep(50);
  }
  throw new Error(`not in force: ${instance.log}`);
}

let turn = 0;
/** The harness's policy, with an effect of its own for reads of `pg_am`, so that every text is another policy. */
const policy = (more = "") => `# ${++turn}\n${ordersPolicy}${more}`;
const noReads = "  - { id: no-reads, effect: deny, when: sql.readOnly, message: Not now. }\n";

beforeEach(async () => {
  await inForce(policy());
});

test("an edited file decides within a second, without a restart, and the log says what replaced what", async () => {
  await using cs = instance.client();
  const db = cs.postgres("orders-db");
  const before = await status();
  expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  const pid = instance.pid;
  const startMs = Date.now();
  write(policy(noReads));
  let denied: unknown;
  while (denied === undefined && Date.now() - startMs < 3_000) {
    await db.query("select 1 as one").catch((error) => {
      denied = error;
    });
  }
  expect(Date.now() - startMs).toBeLessThan(1_000);
  expect(denied).toMatchObject({ code: "denied", message: expect.stringContaining("Not now.") });
  expect(instance.pid).toBe(pid);
  // What decides in the agent's process follows at once: the denial named another policy.
  expect(await cs.check({ kind: "postgres.query", resource: "orders-db", statement: "select 1" })).toMatchObject({
    ...{ effect: "deny", rules: ["no-reads", "reads-are-free"].slice(0, 1), complete: true },
    policyDigest: (await status()).digest,
  });
  expect((await status()).digest).not.toBe(before.digest);
  expect(instance.log).toContain("another policy is in force");
  const records = await policyRecords();
  expect(records.at(-1)).toMatchObject({ policy: (await status()).digest, detail: { previous: before.digest } });
});

/** The audit log's records of policies, from an export: what anyone gets to see. */
async function policyRecords(): Promise<{ type: string; policy: string; detail?: { previous: string } }[]> {
  const { readdirSync, readFileSync } = await import("node:fs");
  const folder = join(instance.folder, "export");
  rmSync(folder, { recursive: true, force: true });
  await instance.cli("audit", "export", folder);
  expect((await instance.cli("audit", "verify", "--export", folder)).code).toBe(0);
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n"));
  return lines.map((text) => JSON.parse(text)).filter(({ type }) => type === "policy");
}

describe("ap-revoke: what waits for approval while the policy changes", () => {
  const remove = (id: number) => ({
    kind: "postgres.query" as const,
    resource: "orders-db",
    statement: "delete from orders where id = $1",
    parameters: [id],
  });

  test("the rules became stricter: it ends at once, and a vote that comes later is refused", async () => {
    await using cs = instance.client();
    using alice = await approverClient(instance, "alice");
    const handle = await cs.submit(remove(11));
    await inForce(policy("  - { id: frozen, effect: deny, when: sql.writes, message: Change freeze. }\n"));
    expect(await handle.result({ timeout: "20s" })).toMatchObject({
      state: "cancelled",
      error: { code: "denied", message: "The policy has changed. Denied by the rule frozen: Change freeze." },
    });
    await expect(vote(alice, handle.id, "approve")).rejects.toMatchObject({ details: expect.stringContaining("cancelled") });
    expect(await instance.value("select count(*)::int from orders where id = 11")).toBe(1);
  });

  test("it now needs two people: what takes its place waits for both", async () => {
    await using cs = instance.client();
    using alice = await approverClient(instance, "alice");
    const handle = await cs.submit(remove(12));
    await inForce(policy().replace("count: 1", "count: 2"));
    const { replacedBy } = await waitForState(alice, handle.id, RequestState.CANCELLED);
    await expect(vote(alice, handle.id, "approve")).rejects.toMatchObject({ details: expect.stringContaining("cancelled") });
    const request = await vote(alice, replacedBy, "approve");
    expect(request.requirements[0]?.stages).toMatchObject([{ count: 2, approved: 1 }]);
    await expect(handle.result({ timeout: 500 })).rejects.toMatchObject({ code: "timeout" });
    expect(await instance.value("select count(*)::int from orders where id = 12")).toBe(1);
  });

  test("a change that is about something else leaves it as it is: it runs", async () => {
    await using cs = instance.client();
    using alice = await approverClient(instance, "alice");
    const handle = await cs.submit(remove(13));
    await inForce(policy(noReads));
    await vote(alice, handle.id, "approve");
    await waitForState(alice, handle.id, RequestState.SUCCEEDED);
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded" });
    expect(await instance.value("select count(*)::int from orders where id = 13")).toBe(0);
  });

  test("it became bad and good again meanwhile: nothing changed for it", async () => {
    await using cs = instance.client();
    using alice = await approverClient(instance, "alice");
    const text = policy();
    await inForce(text);
    const handle = await cs.submit(remove(14));
    write("version: 1\nrules: [");
    for (let tries = 0; (await status()).failure === undefined && tries < 50; tries++) await sleep(50);
    await vote(alice, handle.id, "approve");
    expect(await handle.result({ timeout: "20s" })).toMatchObject({ state: "succeeded" });
    write(text);
  });
});

test("SIGHUP looks at once, and ends nothing", async () => {
  process.kill(instance.pid, "SIGHUP");
  await sleep(300);
  await using cs = instance.client();
  expect((await cs.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(instance.log).not.toContain("stopping");
});

test("50 rapid changes while 16 callers ask: every decision is by one whole policy, and every call gets its answer", async () => {
  // Two files that belong together, swapped by one link, as Kubernetes swaps a ConfigMap.
  const version = (name: string) => {
    const folder = join(instance.folder, `..${name}`);
    mkdirSync(folder, { recursive: true });
    const rule = (id: string) => `  - { id: ${id}-${name}, effect: allow, role: reader, when: sql.readOnly }\n`;
    writeFileSync(join(folder, "policy.yaml"), `version: 1\ninclude: [more.yaml]\nrules:\n${rule("one")}`);
    writeFileSync(join(folder, "more.yaml"), `version: 1\nrules:\n${rule("two")}`);
    return name;
  };
  const swap = (name: string) => {
    symlinkSync(`..${name}`, join(instance.folder, "..tmp"));
    renameSync(join(instance.folder, "..tmp"), join(instance.folder, "..data"));
  };
  swap(version("v0"));
  for (const name of ["more.yaml", "policy.yaml"]) {
    rmSync(join(instance.folder, name), { force: true });
    symlinkSync(join("..data", name), join(instance.folder, name));
  }
  for (let tries = 0; !(await status()).digest || (await status()).failure !== undefined; tries++) {
    if (tries > 50) throw new Error(JSON.stringify(await status()));
    await sleep(50);
  }
  await using cs = instance.client();
  const db = cs.postgres("orders-db");
  const decisions: Decision[] = [];
  const answers = { rows: 0, revoked: 0, other: [] as unknown[] };
  let asked = 0;
  let over = false;
  const callers = Array.from({ length: 16 }, async () => {
    while (!over) {
      asked++;
      try {
        const { rows } = await db.query("select 1 as one", [], {
          onEvent: (event) => event.type === "decided" && decisions.push(event.decision),
        });
        if (rows.length === 1) answers.rows++;
      } catch (error) {
        // Decided by one policy, and another was in force before it was sent: it was not.
        if (error instanceof Error && "code" in error && error.code === "revoked") answers.revoked++;
        else answers.other.push(error);
      }
    }
  });
  for (let index = 1; index <= 50; index++) {
    swap(version(`v${index}`));
    await sleep((index * 37) % 300);
  }
  await sleep(700);
  over = true;
  await Promise.all(callers);
  expect(answers.other).toEqual([]);
  expect(answers.rows + answers.revoked).toBe(asked);
  const seen = new Map<string, string>();
  for (const { rules, policyDigest } of decisions) {
    // Before the links there was the harness's policy.
    if (rules[0] === "reads-are-free") continue;
    expect(rules.join()).toMatch(/^one-(v\d+),two-\1$/);
    expect(seen.get(policyDigest) ?? rules.join()).toBe(rules.join());
    seen.set(policyDigest, rules.join());
  }
  expect(decisions.at(-1)?.rules.join()).toBe("one-v50,two-v50");
  expect(seen.size).toBeGreaterThan(3);
  // Every policy that decided is in the log before its first decision.
  const recorded = new Set((await policyRecords()).map((record) => record.policy));
  for (const digest of seen.keys()) expect(recorded.has(digest)).toBe(true);
  for (const name of ["more.yaml", "policy.yaml"]) rmSync(join(instance.folder, name));
});
