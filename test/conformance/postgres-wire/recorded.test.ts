import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../packages/cli/src/config/load.ts";
import { readRecordedActions } from "../../../packages/cli/src/recorded-actions.ts";
import { type ApproverConnection, approverClient, vote } from "../../harness/approver.ts";
import { extended, message } from "./messages.ts";
import { RawClient } from "./raw-client.ts";
import { openWireWorld, type WireWorld } from "./world.ts";

const { query, parse, bind, execute, sync } = message;
const policy = `version: 1
rules:
  - { id: everything, effect: allow, role: writer, opaque: true }
  - { id: keep-out, effect: deny, when: 'sql.tables.exists(t, t == "public.forbidden")' }
  - id: deletes-wait
    when: sql.kinds.exists(k, k == "DELETE")
    effect: review
    role: writer
    approval: { stages: [{ approvers: ["group:dba-oncall"] }] }
`;

/** How often a statement has to be in the log, by the text that it was sent with. */
class Sent {
  readonly expected = new Map<string, number>();
  #count = 0;

  /** A text that no other statement has. */
  text(sql: string, times = 1): string {
    const text = `${sql} /* ${++this.#count} */`;
    this.expected.set(text, times);
    return text;
  }
}

describe("the log of a sidecar whose clients do all kinds of things at once", () => {
  let world: WireWorld;
  let alice: ApproverConnection;

  beforeAll(async () => {
    world = await openWireWorld({ policy });
    for (const table of ["item (id int)", "forbidden (id int)"]) {
      await world.instance.postgres.query(`create table ${table}`, [], "orders");
      await world.instance.postgres.query(`alter table ${table.split(" ")[0]} owner to orders_writer`, [], "orders");
    }
    alice = await approverClient(world.instance, "alice");
  });
  afterAll(async () => {
    alice?.[Symbol.dispose]();
    await world?.[Symbol.asyncDispose]();
  });

  async function recorded(): Promise<Map<string, number>> {
    const config = await loadConfig(join(world.instance.folder, "countersign.yaml"));
    const counts = new Map<string, number>();
    for await (const one of readRecordedActions(world.instance.data, config, { sinceMs: 0, untilMs: Infinity })) {
      if (one.kind === "other") continue;
      if (one.kind !== "action") throw new Error(`a record is ${one.kind}`);
      const { operation } = one.action;
      if (operation.kind === "postgres.query") counts.set(operation.statement, (counts.get(operation.statement) ?? 0) + 1);
    }
    return counts;
  }

  async function held(client: RawClient, ...said: readonly Buffer[]): Promise<string> {
    client.answers.length = 0;
    client.write(...said);
    const notice = await client.until(({ type, body }) => type === "N" && body.includes("req_"));
    return /req_\w+/.exec(notice.body.toString())?.[0] ?? "";
  }

  async function work(sent: Sent): Promise<void> {
    using client = await RawClient.open(world.guarded);
    // Allowed, by both protocols: alone, several of a text, written, bound again, executed in parts, copied.
    for (let count = 0; count < 40; count++) await client.ask(query(sent.text("select 1")));
    await client.ask(query(sent.text("insert into item values (1); select 2")));
    const bound = sent.text("select $1::text", 3);
    await client.ask([parse(bound, "b"), sync()]);
    for (const value of ["a", "b", "c"]) await client.ask([bind({ statement: "b", values: [value] }), execute(), sync()]);
    const parts = sent.text("select generate_series(1, 5)");
    await client.ask([parse(parts), bind(), execute("", 2), execute("", 2), execute("", 2), sync()]);
    await client.ask([extended(sent.text("insert into item values (2)")), extended(sent.text("select 3")), sync()]);
    await client.ask(query(sent.text("copy item to stdout")));
    // Never executed: it is in the log that it was not sent on.
    await client.ask([parse(sent.text("select 'bound only'")), bind(), sync()]);
    // Failed: at once, in a pipeline whose rest is skipped, and no SQL at all.
    await client.ask(query(sent.text("select 1 / 0")));
    await client.ask([extended(sent.text("select 2 / 0")), sync()]);
    await client.ask(query(sent.text("selec nothing")));
    await client.ask([extended(sent.text("selec nothing")), sync()]);
    // Denied.
    await client.ask(query(sent.text("select * from forbidden")));
    await client.ask([extended(sent.text("select id from forbidden")), sync()]);
    await client.ask(query(sent.text("select 4; select * from forbidden")));
  }

  async function wait(sent: Sent): Promise<void> {
    using client = await RawClient.open(world.guarded);
    await vote(alice, await held(client, query(sent.text("delete from item where id = 1"))), "approve");
    await client.ready();
    await vote(alice, await held(client, extended(sent.text("delete from item where id = 2")), sync()), "approve");
    await client.ready();
    await vote(alice, await held(client, query(sent.text("delete from item"))), "deny");
    await client.ready();
    const gone = await RawClient.open(world.guarded);
    await held(gone, query(sent.text("delete from item where id = 3")));
    gone[Symbol.dispose]();
  }

  it("holds every statement exactly once: allowed, failed, denied and held ones of several connections", async () => {
    const sent = new Sent();
    await Promise.all([work(sent), work(sent), work(sent), wait(sent)]);
    const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
    let found = await recorded();
    for (let tries = 0; tries < 100 && total(found) < total(sent.expected); tries++) {
      await sleep(50);
      found = await recorded();
    }
    expect(Object.fromEntries([...found].sort())).toEqual(Object.fromEntries([...sent.expected].sort()));
    expect(total(found)).toBeGreaterThan(150);
  });
});
