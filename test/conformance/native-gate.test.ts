import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type Approver, loadPolicy, type Operation, type Outcome, type PostgresQuery, type Principal } from "@countersign/policy";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { logOrigin } from "../../packages/cli/src/log-origin.ts";
import { type EmbeddedControlPlane, openEmbeddedControlPlane } from "../../packages/control/src/embedded.ts";
import { openEmbeddedLog } from "../../packages/control/src/embedded-log.ts";
import { openKeys } from "../../packages/control/src/keys.ts";
import type { Guard } from "../../packages/sidecar/src/guard.ts";
import type { NativeCaller, OwnConnection } from "../../packages/sidecar/src/native/own-connection.ts";
import type { Held, Verdict } from "../../packages/sidecar/src/native/verdict.ts";
import type { Ended, WaitingClient } from "../../packages/sidecar/src/native/waiting-client.ts";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import { randomPool } from "../../packages/sidecar/src/random-pool.ts";
import { openGuard } from "../harness/guard.ts";
import { NoResults } from "../model/no-results.ts";

const policy = loadPolicy({
  "policy.yaml": `version: 1
rules:
  - id: reads
    when: sql.readOnly
    effect: allow
    role: writer
  - id: some-are-hidden
    when: sql.tables.exists(t, t == "public.customers") && sql.readOnly
    effect: allow
    role: writer
    limits: { masks: [public.customers.email] }
  - id: others-role
    when: sql.tables.exists(t, t == "public.secrets") && sql.readOnly
    effect: review
    role: owner
    approval: { stages: [{ approvers: [group:dba] }] }
  - id: writes
    when: sql.writes
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }] }
  - id: never
    when: sql.ddl
    effect: deny
    message: Ask the platform team.
`,
});
const psql: Principal = { issuer: "test", subject: "psql", groups: [], claims: {} };
const stranger: Principal = { ...psql, subject: "stranger" };
const alice: Approver = { issuer: "test", subject: "alice", groups: ["dba"] };

/** The target beyond the resource's own connector: nothing of a client's connection may ever get there. */
class Elsewhere implements Connector {
  readonly ran: string[] = [];
  target = () => ({ type: "postgres", address: "db:5432" });
  accept = () => {};
  dispatch(operation: Operation) {
    return runs(operation, this.ran);
  }
  resolve = () => Promise.reject(new Error("not asked"));
  close = async () => {};
}

function runs(operation: Operation, ran: string[]): ReturnType<OwnConnection["dispatch"]> {
  return {
    prepare: async () => null,
    run: async (): Promise<Outcome> => {
      ran.push(operation.kind === "postgres.query" ? operation.statement : operation.kind);
      return { state: "succeeded", rows: 1, bytes: 2, durationMs: 1, commandTag: "DELETE 1" };
    },
    close: async () => {},
  };
}

class Client implements OwnConnection, WaitingClient {
  readonly ran: string[] = [];
  readonly heard: string[] = [];
  readonly cuts: string[] = [];
  readonly pendingId = Promise.withResolvers<string>();
  dispatch(operation: Operation) {
    return runs(operation, this.ran);
  }
  cut(reason: string) {
    this.cuts.push(reason);
  }
  pending({ requestId }: { readonly requestId: string }) {
    this.heard.push("pending");
    this.pendingId.resolve(requestId);
  }
  replaced({ statement }: { readonly statement: string | undefined }) {
    this.heard.push(`replaced: ${statement}`);
  }
}

let folder: string;
let plane: EmbeddedControlPlane<Awaited<ReturnType<typeof openEmbeddedLog>>>;
let guard: Guard;
let elsewhere: Elsewhere;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-native-"));
  const keys = openKeys(folder);
  const openLog = () => openEmbeddedLog(folder, keys, logOrigin(keys.log.publicKey));
  plane = await openEmbeddedControlPlane({ folder, keys, openLog });
  elsewhere = new Elsewhere();
  ({ guard } = openGuard({
    ...{ plane, resource: "db", roles: ["writer", "owner"], policy: () => policy, connector: elsewhere, random: randomPool() },
    ...{ voteKey: keys.vote.publicKey, results: new NoResults(plane.now), onStep: () => {} },
  }));
  plane.edits.connect((...edit) => guard.redraft(...edit));
});
afterEach(async () => {
  await guard.close();
  await plane.close();
  rmSync(folder, { recursive: true });
});

const caller = (connection: string, principal = psql): NativeCaller => ({
  ...{ connection, principal, resource: "db", role: "writer", session: "psql", reason: "" },
});
const query = (connection: string, statement: string): PostgresQuery => ({
  ...{ kind: "postgres.query", statement, parameters: [], connection: { id: connection } },
});
const held = async (verdict: Verdict | Promise<Verdict>): Promise<Held> => {
  const found = await verdict;
  if (found.effect !== "hold") throw new Error(`it is ${JSON.stringify(found)}`);
  return found;
};
async function approve(id: string): Promise<void> {
  const { request } = await plane.approvals.get(id);
  await plane.approvals.vote(id, { requestDigest: request.requestDigest, verdict: "approve", comment: "" }, alice);
}
async function recordsOf(id: string) {
  const records = (await plane.audit.recordsOf(id)).map((bytes) => JSON.parse(Buffer.from(bytes).toString()));
  return records.map(({ type, detail }) => ({ type, detail }));
}

describe("one connection of an unmodified client", () => {
  test("what is reviewed runs on that connection, after its intent is recorded, and its client hears of both", async () => {
    const client = new Client();
    using gate = guard.native(caller("c1"), client);
    const ended = gate.hold(await held(gate.judge(query("c1", "delete from orders"))), client, new AbortController().signal);
    const id = await client.pendingId.promise;
    expect(client.ran).toEqual([]);
    await approve(id);
    expect(await ended).toEqual({ requestId: id, state: "succeeded" } satisfies Ended);
    expect(client.ran).toEqual(["delete from orders"]);
    expect(elsewhere.ran).toEqual([]);
    const types = (await recordsOf(id)).map(({ type }) => type);
    expect(types.indexOf("intent")).toBeGreaterThan(types.indexOf("vote"));
    expect(types.at(-1)).toMatch(/outcome|state/);
  });

  test("a denial says why and is recorded", async () => {
    using gate = guard.native(caller("c1"), new Client());
    const verdict = await gate.judge(query("c1", "drop table orders"));
    expect(verdict).toMatchObject({ effect: "refuse", code: "denied", rules: ["never"], retryable: false });
    if (verdict.effect !== "refuse") throw new Error("it is not refused");
    expect(verdict.message).toContain("Ask the platform team.");
    expect(await recordsOf(verdict.requestId)).toMatchObject([{ type: "refusal", detail: { code: "denied" } }]);
  });

  test("a rule that gives another role than the connection's refuses, and says which to connect as", async () => {
    using gate = guard.native(caller("c1"), new Client());
    expect(await gate.judge(query("c1", "select * from secrets"))).toMatchObject({
      effect: "refuse",
      message: expect.stringContaining("gives owner"),
    });
  });

  test("what the parser rejects, and an operation of a connection that is not there, are refused", async () => {
    using gate = guard.native(caller("c1"), new Client());
    expect(await gate.judge(query("c1", "selec 1"))).toMatchObject({ effect: "refuse", code: "invalid_operation" });
    expect(await gate.judge(query("c2", "select 1"))).toMatchObject({ effect: "refuse", code: "cancelled" });
  });

  test("au-fail: what cannot be noted does not pass", async () => {
    using gate = guard.native(caller("c1"), new Client());
    expect(await gate.judge(query("c1", "select 1"))).toMatchObject({ effect: "refuse", code: "audit_unavailable" });
  });

  test("nothing runs for which the policy masks columns on a connection that does not hide them", async () => {
    using gate = guard.native(caller("c1"), new Client());
    expect(await gate.judge(query("c1", "select email from customers"))).toMatchObject({ effect: "refuse", code: "denied" });
  });

  test("pg-gone: the client leaves while it is held: cancelled, and a late approval runs nothing", async () => {
    const client = new Client();
    const leaving = new AbortController();
    const gate = guard.native(caller("c1"), client);
    const ended = gate.hold(await held(gate.judge(query("c1", "delete from orders"))), client, leaving.signal);
    const id = await client.pendingId.promise;
    leaving.abort();
    gate[Symbol.dispose]();
    expect((await ended).state).toBe("cancelled");
    await expect(approve(id)).rejects.toMatchObject({ code: "not_pending" });
    expect([client.ran, elsewhere.ran]).toEqual([[], []]);
  });

  test("an approval that comes when the connection has ended runs nowhere", async () => {
    const client = new Client();
    const gate = guard.native(caller("c1"), client);
    // Its caller stays, so that the request does, too.
    const ended = gate.hold(await held(gate.judge(query("c1", "delete from orders"))), client, new AbortController().signal);
    const id = await client.pendingId.promise;
    gate[Symbol.dispose]();
    await approve(id);
    expect((await ended).state).not.toBe("succeeded");
    expect([client.ran, elsewhere.ran]).toEqual([[], []]);
  });

  test("ap-bind: another caller that knows a connection's id cannot run anything on it", async () => {
    const client = new Client();
    using _gate = guard.native(caller("c1"), client);
    using theirs = guard.native(caller("c2", stranger), new Client());
    expect(await theirs.judge(query("c1", "delete from orders"))).toMatchObject({ effect: "refuse", code: "cancelled" });
    const call = { principal: stranger, resource: "db", reason: "", session: "", durable: false };
    const viewer = { send: () => {}, signal: new AbortController().signal };
    await expect(guard.execute({ ...call, operation: query("c1", "select 1") }, viewer)).rejects.toMatchObject({
      code: "cancelled",
    });
    expect([client.ran, elsewhere.ran]).toEqual([[], []]);
  });

  test("an approver's edit runs in its place on the same connection, and the client hears what was changed", async () => {
    const client = new Client();
    using gate = guard.native(caller("c1"), client);
    const ended = gate.hold(await held(gate.judge(query("c1", "delete from orders"))), client, new AbortController().signal);
    const id = await client.pendingId.promise;
    const { request } = await plane.approvals.get(id);
    const operation: PostgresQuery = { kind: "postgres.query", statement: "delete from orders where id = 7", parameters: [] };
    const next = await plane.edits.propose(id, { requestDigest: request.requestDigest, operation, comment: "Only 7." }, alice);
    await approve(next.binding.requestId);
    expect(await ended).toEqual({ requestId: next.binding.requestId, state: "succeeded" });
    expect(client.ran).toEqual(["delete from orders where id = 7"]);
    expect(client.heard).toContain("replaced: delete from orders where id = 7");
    expect(elsewhere.ran).toEqual([]);
  });

  test.each([
    { type: "principal", issuer: "test", subject: "psql" },
    { type: "resource", resource: "db" },
  ] as const)(
    "ap-revoke: when its $type is locked it is cut before the lock has returned, and no new one opens",
    async (target) => {
      const client = new Client();
      using gate = guard.native(caller("c1"), client);
      await plane.revoking.lock(target, alice, "compromised");
      expect(client.cuts).toHaveLength(1);
      expect(await gate.judge(query("c1", "select 1"))).toMatchObject({ effect: "refuse", code: "revoked" });
      expect(() => guard.native(caller("c2"), client)).toThrow(expect.objectContaining({ code: "revoked" }));
    },
  );

  test("a connection of somebody else stays", async () => {
    const client = new Client();
    using _gate = guard.native(caller("c1"), client);
    await plane.revoking.lock({ type: "principal", issuer: "test", subject: "stranger" }, alice, "compromised");
    await turn();
    expect(client.cuts).toEqual([]);
  });

  test("closing the guard cuts every connection", async () => {
    const client = new Client();
    using _gate = guard.native(caller("c1"), client);
    await guard.close();
    expect(client.cuts).toHaveLength(1);
  });
});
