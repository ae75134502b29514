import { setTimeout as sleep } from "node:timers/promises";
import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

const emergency = "      breakGlass: { approvers: [user:mallory], reviewWithin: 5s }\n";
const policy = ordersPolicy.replace("      validFor: 5m\n", `      validFor: 5m\n${emergency}`);

let instance: Instance;
let cs: Countersign;
beforeAll(async () => {
  const config = `
sidecar:
  listen:
    - { unix: agent.sock, principal: { subject: local-agent, groups: [] } }
    - { unix: other.sock, principal: { subject: other-agent, groups: [] } }
    - { unix: planner.sock, principal: { subject: planner, groups: [] } }
approvals: { remindAfter: 1s, remindEvery: 1s, remindAtMost: 2 }
limits: { pendingPerPrincipal: 5, requestsPerMinute: 40 }
`;
  instance = await Instance.start({ policy, config });
  cs = instance.client({ address: instance.at.agents[1] ?? "" });
});
afterAll(async () => {
  await cs?.close();
  await instance?.[Symbol.asyncDispose]();
});

async function submit(parameter: number, client = cs) {
  return client.submit({
    ...{ kind: "postgres.query", resource: "orders-db" },
    ...{ statement: "delete from orders where id = $1", parameters: [parameter] },
  });
}

async function cli(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await instance.cli(...args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const rows = (id: number) => instance.value(`select count(*)::int from orders where id = ${id}`);

describe("an emergency", () => {
  test("runs at once by one person's vote, is loud in the log, and its review outlives a kill until it is closed", async () => {
    const held = await submit(1);
    expect(await rows(1)).toBe(1);
    await cli("approve", held.id, "--as", "mallory", "--break-glass", "--yes", "-m", "order 1 blocks all others");
    expect(await held.result()).toMatchObject({ rowCount: 1 });
    expect(await rows(1)).toBe(0);
    expect(instance.log).toMatch(/EMERGENCY: somebody approved alone/);
    expect(instance.log).not.toContain("blocks all others");
    await instance.end("SIGKILL");
    await sleep(5_000);
    await instance.up();
    expect(instance.log).toMatch(/OVERDUE: nobody has reviewed an emergency in time/);
    expect(await cli("reviews", "--as", "alice")).toMatch(new RegExp(`${held.id}\\s+OVERDUE by .*mallory`));
    expect(await cli("show", held.id, "--as", "alice")).toContain("Its review is OVERDUE");
    expect(await instance.cli("reviews", "close", held.id, "--finding", "x", "--as", "mallory")).toMatchObject({ code: 1 });
    await cli("reviews", "close", held.id, "--finding", "it was right", "--as", "alice");
    const { code } = await instance.cli("audit", "verify");
    expect(code).toBe(0);
  });
});

describe("somebody who is away", () => {
  test("is voted for, and the sidecar counts that vote by what was signed", async () => {
    await cli("delegate", "--to", "mallory", "--until", "1h", "--as", "alice");
    const held = await submit(2);
    await cli("approve", held.id, "--as", "mallory", "--yes");
    expect(await held.result()).toMatchObject({ rowCount: 1 });
    expect(await cli("show", held.id, "--as", "bob")).toContain("(who votes for alice) approved");
  });
});

describe("what nobody answers", () => {
  test("ap-silence: is told again, so many times, and never runs by that", async () => {
    const held = await submit(3);
    await sleep(4_000);
    const [shown] = JSON.parse(await cli("requests", "--json", "--as", "alice"));
    expect(shown).toMatchObject({ id: held.id, state: "pending", reminded: 2 });
    expect(await rows(3)).toBe(1);
    await held.cancel();
  });
});

describe("a flood", () => {
  test("ld-flood: of one caller neither starves another, nor buries approvers, nor fills the log", async () => {
    const other = instance.client({ address: instance.at.agents[0] ?? "" });
    const before = await records();
    const flood = await Promise.allSettled(Array.from({ length: 300 }, () => submit(4, other)));
    const codes = flood.flatMap((one) => (one.status === "rejected" ? [String(Reflect.get(one.reason, "code"))] : []));
    expect(new Set(codes)).toEqual(new Set(["too_many_requests"]));
    expect(flood.length - codes.length).toBe(5);
    // Five are held, each looked into and told again twice at most; the other 295 are one or two records.
    expect((await records()) - before).toBeLessThan(30);
    expect(await cli("requests", "--as", "alice")).toMatch(/×5 (reminded: )?delete from orders/);
    const held = await submit(5);
    await cli("approve", held.id, "--as", "alice", "--yes");
    expect(await held.result()).toMatchObject({ rowCount: 1 });
    await other.close();
  });

  test("ld-flood: plans and their lines are counted as single requests are", async () => {
    await using planner = instance.client({ address: instance.at.agents[2] ?? "" });
    const line = { kind: "postgres.query", resource: "orders-db", statement: "delete from orders where id = 6" } as const;
    const ask = (count: number, of: () => Promise<unknown>) => Promise.allSettled(Array.from({ length: count }, of));
    const codes = (all: readonly PromiseSettledResult<unknown>[]) =>
      all.flatMap((one) => (one.status === "rejected" ? [String(Reflect.get(one.reason, "code"))] : []));
    const before = await records();
    const plan = await planner.plan([line]);
    expect(codes(await ask(9, () => planner.plan([line])))).toEqual(Array(5).fill("too_many_requests"));
    // Ten of forty are taken; the plan is not approved, and each of its lines is asked for all the same.
    const runs = codes(await ask(60, () => plan.run(0)));
    expect(Map.groupBy(runs, (code) => code).get("not_pending")?.length).toBe(30);
    expect(Map.groupBy(runs, (code) => code).get("too_many_requests")?.length).toBe(30);
    expect(codes(await ask(2, () => planner.plan([line])))).toEqual(Array(2).fill("too_many_requests"));
    // Five plans, each told again twice at most, and thirty refused lines; what was too many is one record or two.
    expect((await records()) - before).toBeLessThan(50);
    expect(await rows(6)).toBe(1);
  });
});

async function records(): Promise<number> {
  return Number(JSON.parse(await cli("audit", "verify", "--json")).size);
}
