import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentServiceClient } from "@countersign/rpc";
import { Countersign, CountersignError } from "@countersign/sdk";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approverClient, vote } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";

/** The error that a call ends with. */
async function failure(call: Promise<unknown>): Promise<CountersignError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CountersignError) return error;
    throw error;
  }
  throw new Error("The call succeeded");
}

/** The types and codes of the newest records, oldest first. */
async function records(
  instance: Instance,
): Promise<{ type: string; request?: string; detail?: { code?: string; state?: string; what?: string } }[]> {
  const folder = join(instance.folder, `export-${Math.random()}`);
  const done = await instance.cli("audit", "export", folder);
  if (done.code !== 0) throw new Error(done.stderr);
  return readFileSync(join(folder, "records.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("what an agent may get wrong", () => {
  let instance: Instance;
  let cs: Countersign;
  beforeAll(async () => {
    instance = await Instance.start();
    cs = instance.client();
  });
  afterAll(async () => {
    await cs?.close();
    await instance?.[Symbol.asyncDispose]();
  });
  const db = () => cs.postgres("orders-db");

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ["an unknown resource", () => cs.postgres("orders-dv").query("select 1"), "unknown_resource", /orders-dv/],
    ["invalid SQL", () => db().query("selec 1"), "invalid_operation", /selec/],
    ["an empty statement", () => db().query("  -- nothing"), "invalid_operation", /empty|no statement/i],
    ["an oversized statement", () => db().query(`select '${"x".repeat(1_100_000)}'`), "operation_too_large", /larger|bytes/],
    ["oversized parameters", () => db().query("select length($1)", ["x".repeat(20_000_000)]), "operation_too_large", /bytes/],
    ["too few parameters", () => db().query("select $1::int + $2::int", [1]), "invalid_parameter", /expects 2/],
    [
      "a parameter of the wrong type",
      () => db().query("select id from orders where id = $1", ["seven"]),
      "target_error",
      /integer/,
    ],
    ["a value that no database has", () => db().query("select $1::text", [() => 1]), "invalid_parameter", /\$1/],
    ["a table that is not there", () => db().query("select * from nowhere"), "target_error", /nowhere/],
    ["two statements in one call", () => db().query("select 1; select 2"), "invalid_operation", /statement/],
  ])("%s: a typed error that says what to do", async (_, call, code, message) => {
    const error = await failure(call());
    expect({ code: error.code, message: error.message }).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("each of them leaves a true record, and the sidecar goes on", async () => {
    const codes = (await records(instance)).map((record) => record.detail?.code);
    expect(codes).toEqual(
      expect.arrayContaining([
        "unknown_resource",
        "invalid_operation",
        "operation_too_large",
        "invalid_parameter",
        "target_error",
      ]),
    );
    expect((await db().query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("a forged or expired token is refused, and never falls back to the socket's identity", async () => {
    const { stdout } = await instance.cli("token", "--subject", "robot", "--ttl", "1h");
    const good = stdout.trim();
    await using byToken = instance.client({ token: good });
    expect((await byToken.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const [header, payload, signature = ""] = good.split(".");
    const forgedPayload = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(payload ?? "", "base64url").toString()), sub: "admin" }),
    ).toString("base64url");
    for (const token of [`${header}.${forgedPayload}.${signature}`, "x.y.z", "nonsense"]) {
      await using forged = instance.client({ token });
      expect((await failure(forged.postgres("orders-db").query("select 1"))).code).toBe("unauthenticated");
    }
  });

  test("an agent's credentials reach nothing of the approvers'", async () => {
    const { stdout } = await instance.cli("token", "--subject", "alice", "--audience", "agent");
    using alice = await approverClient(instance, "alice");
    alice.metadata.set("authorization", `Bearer ${stdout.trim()}`);
    await expect(vote(alice, "req_x", "approve", "sha256:0")).rejects.toMatchObject({ code: 16 });
    alice.metadata.remove("authorization");
    await expect(vote(alice, "req_x", "approve", "sha256:0")).rejects.toMatchObject({ code: 16 });
  });

  test("nobody reads or cancels another's request", async () => {
    const { stdout } = await instance.cli("token", "--subject", "robot");
    const { id } = await cs.submit({
      kind: "postgres.query",
      resource: "orders-db",
      statement: "delete from orders where id = 1",
      parameters: [],
    });
    await using other = instance.client({ token: stdout.trim() });
    expect((await failure(other.request(id))).code).toBe("not_found");
    const agents = new AgentServiceClient(instance.at.agent.replace(/^unix:\/\//, "unix:"), credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${stdout.trim()}`);
    const refused = await new Promise<ServiceError | null>((resolve) => {
      agents.cancel({ requestId: id }, metadata, (error) => resolve(error));
    });
    agents.close();
    expect(refused).toMatchObject({ code: 5, details: "You have no request of that id." });
    expect((await records(instance)).findLast(({ type }) => type === "refusal")).toMatchObject({
      ...{ request: id, principal: { subject: "robot" }, detail: { what: "cancel", code: "not_found" } },
    });
    await (await cs.request(id)).cancel();
  });

  test("the requester cannot approve itself, whatever it is called", async () => {
    const { stdout } = await instance.cli("token", "--subject", "alice");
    await using agentNamedAlice = instance.client({ token: stdout.trim() });
    const { id } = await agentNamedAlice.submit({
      kind: "postgres.query",
      resource: "orders-db",
      statement: "delete from orders where id = 2",
      parameters: [],
    });
    using alice = await approverClient(instance, "alice");
    using mallory = await approverClient(instance, "mallory");
    await expect(vote(alice, id, "approve")).rejects.toMatchObject({ code: 7 });
    await expect(vote(mallory, id, "approve")).rejects.toMatchObject({ code: 7 });
    await (await agentNamedAlice.request(id)).cancel();
    expect(await instance.value("select count(*)::int from orders where id in (1, 2)")).toBe(2);
  });

  test("a caller that goes away while held cancels its request; a late approval runs nothing", async () => {
    const abort = new AbortController();
    const pending = Promise.withResolvers<string>();
    const call = db().query("delete from orders where id = 3", [], {
      signal: abort.signal,
      onEvent: (event) => event.type === "pending" && pending.resolve(event.requestId),
    });
    const id = await pending.promise;
    abort.abort();
    expect((await failure(call)).code).toBe("aborted");
    using alice = await approverClient(instance, "alice");
    await sleep(300);
    await expect(vote(alice, id, "approve")).rejects.toMatchObject({ code: 9 });
    expect(await instance.value("select count(*)::int from orders where id = 3")).toBe(1);
  });

  test("a second `up` on the same data folder is refused and disturbs nothing", async () => {
    const second = await instance.cli(
      "up",
      "--config",
      join(instance.folder, "countersign.yaml"),
      "--data",
      instance.data,
      "--json",
    );
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/another process|in use|already/i);
    expect((await db().query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("what may go wrong around it", () => {
  test("the sidecar is not running", async () => {
    await using cs = new Countersign({ address: "unix:///tmp/countersign-nobody-here.sock" });
    const error = await failure(cs.postgres("orders-db").query("select 1"));
    expect(error.code).toBe("sidecar_unreachable");
    expect(error.message).toMatch(/countersign up/);
  });

  test("a wrong password, and a database that is down: typed, recorded, and over once it is mended", async () => {
    await using instance = await Instance.start();
    await using cs = instance.client();
    await instance.postgres.query("alter role orders_reader password 'changed'");
    expect((await failure(cs.postgres("orders-db").query("select 1"))).code).toBe("target_credentials");
    await instance.postgres.pause();
    const down = await failure(cs.postgres("orders-db").query("select 1"));
    expect({ code: down.code, retryable: down.retryable }).toEqual({ code: "target_unavailable", retryable: true });
    await instance.postgres.restart();
    await instance.postgres.query("alter role orders_writer password 'changed'");
    const codes = (await records(instance)).map((record) => record.detail?.code);
    expect(codes).toEqual(expect.arrayContaining(["target_credentials", "target_unavailable"]));
    expect(JSON.stringify(await records(instance)) + instance.log).not.toContain("changed");
  });

  test("a database restart in mid-call: the truth, and a pool that recovers", async () => {
    await using instance = await Instance.start();
    await using cs = instance.client();
    const slow = failure(
      cs.postgres("orders-db").query("select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b"),
    );
    await sleep(700);
    await instance.postgres.restart();
    expect((await slow).code).toMatch(/^target_(lost|error)$/);
    expect((await cs.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("au-fail: a full disk stops dispatch, loses nothing, and is over when there is room again", async () => {
    // A limit on the size of files makes every write fail as a full disk does; the signal that comes with it is ignored.
    const cli = new URL("../../packages/cli/bin/countersign.mjs", import.meta.url).pathname;
    const program = ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"', cli];
    await using instance = await Instance.start({ program });
    await using cs = instance.client();
    expect((await cs.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const { id } = await cs.submit({
      kind: "postgres.query",
      resource: "orders-db",
      statement: "delete from orders where id = 9",
      parameters: [],
    });
    limitFiles(instance.pid, "1");
    const error = await failure(cs.postgres("orders-db").query("select 1"));
    expect({ code: error.code, retryable: error.retryable }).toEqual({ code: "audit_unavailable", retryable: true });
    using alice = await approverClient(instance, "alice");
    await expect(vote(alice, id, "approve")).rejects.toMatchObject({ code: 14 });
    expect(await instance.value("select count(*)::int from orders where id = 9")).toBe(1);
    limitFiles(instance.pid, "unlimited");
    expect((await cs.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await vote(alice, id, "approve");
    expect((await (await cs.request(id)).result()).state).toBe("succeeded");
    expect((await instance.cli("audit", "verify")).code).toBe(0);
  });

  test("a bad policy is refused with file, line and what is expected; nothing is started", async () => {
    await using instance = await Instance.start();
    await instance.end();
    writeFileSync(
      join(instance.folder, "policy.yaml"),
      "version: 1\nrules:\n  - id: a\n    resources: [orders-db]\n    when: sql.readOnyl\n    efect: allow\n",
    );
    const refused = await instance.cli(
      "up",
      "--config",
      join(instance.folder, "countersign.yaml"),
      "--data",
      instance.data,
      "--json",
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/policy\.yaml:6:\d+/);
    expect(refused.stderr).toMatch(/effect/);
  });
});

function limitFiles(pid: number, soft: string): void {
  const done = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${soft}:`], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
}
