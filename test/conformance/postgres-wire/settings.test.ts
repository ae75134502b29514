import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extended, message } from "./messages.ts";
import { fieldsOf, RawClient, transcript } from "./raw-client.ts";
import { allButForbidden, openWireWorld, type WireWorld } from "./world.ts";

const { query, sync } = message;

/** Read as it is classified it names no table. With backslashes that escape, the first text ends later, and what is forbidden stands outside of it. */
const doubleMeaning = "select 'a\\', $$' || (select secret from forbidden) --$$";
const writesToo = "select 'a\\', $$'; insert into forbidden values ('written by the second meaning'); --$$";
const turnOff = "select set_config('standard_conforming_strings', 'off', false)";

describe("pg-gucs: settings that decide how a text is read", () => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openWireWorld({ policy: allButForbidden });
    const { postgres } = world.instance;
    for (const statement of [
      "create table forbidden (secret text)",
      // Large, so that the beginning of it is on its way before anything else is known.
      "insert into forbidden values (repeat('the-secret ', 100000))",
      "create table watched (id int)",
      `create function spoil() returns trigger language plpgsql as $$ begin perform ${turnOff.slice(7)}; return new; end $$`,
      "create trigger spoiling before insert on watched for each row execute function spoil()",
      `create view spoiling as ${turnOff} as done`,
      "grant all on all tables in schema public to orders_writer",
    ])
      await postgres.query(statement, [], "orders");
    world.mark();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** Says it all at once; nothing of what is forbidden may come back, whatever becomes of the connection. */
  async function expectNothing(...said: readonly Buffer[]): Promise<void> {
    const rows = await world.instance.value("select count(*)::int from forbidden");
    using client = await RawClient.open(world.guarded);
    client.write(...said);
    await Promise.race([client.end(), client.ready(said.length)]).catch(() => {});
    expect(transcript(client.answers).join()).not.toContain("the-secret");
    expect(await world.instance.value("select count(*)::int from forbidden")).toBe(rows);
  }

  it("a text with two meanings is what it was classified as", async () => {
    using client = await RawClient.open(world.guarded);
    expect(transcript(await client.ask(query(doubleMeaning))).join()).toContain("(select secret from forbidden) --");
  });

  it("by the server alone each of these ways gives the secret away", async () => {
    for (const spoil of ["insert into watched values (1)", "table spoiling"]) {
      using client = await RawClient.open(world.trusted);
      const answers = await client.ask([query(spoil), query(doubleMeaning)], 2);
      expect(transcript(answers).join(), spoil).toContain("the-secret");
    }
  });

  it("a trigger that changes them does not change the meaning of the next text, at once or later", async () => {
    const spoil = "insert into watched values (1)";
    await expectNothing(query(spoil), query(doubleMeaning));
    await expectNothing(query(spoil), query(writesToo));
    await expectNothing(Buffer.concat([extended(spoil), sync()]), Buffer.concat([extended(doubleMeaning), sync()]));
    await expectNothing(Buffer.concat([extended(spoil), extended(doubleMeaning), sync()]));
    using client = await RawClient.open(world.guarded);
    await client.ask(query(spoil)).catch(() => {});
    client.write(query(doubleMeaning));
    await Promise.race([client.end(), client.ready(2)]).catch(() => {});
    expect(transcript(client.answers).join()).not.toContain("the-secret");
  });

  it("nor does a view", async () => {
    await expectNothing(query("table spoiling"), query(doubleMeaning));
    await expectNothing(query("table spoiling"), query(writesToo));
    await expectNothing(Buffer.concat([extended("table spoiling"), extended(doubleMeaning), sync()]));
  });

  it("nor does a block", async () => {
    const block = `do $block$ begin perform ${turnOff.slice(7)}; end $block$`;
    await expectNothing(query(block), query(doubleMeaning));
    await expectNothing(query(block), query(writesToo));
    await expectNothing(Buffer.concat([extended(block), extended(doubleMeaning), sync()]));
  });

  it("they cannot be changed in any way", async () => {
    using client = await RawClient.open(world.guarded);
    const texts = [
      ...[
        "set standard_conforming_strings = off",
        "set search_path = evil",
        "set client_encoding = 'SQL_ASCII'",
        "set role orders_reader",
        "reset all",
        "discard all",
      ],
      ...[
        "select set_config('standard_conforming_' || 'strings', 'off', false)",
        "begin; set local search_path = evil; commit",
        "set session authorization default",
      ],
    ];
    for (const text of texts) {
      expect(fieldsOf((await client.ask(query(text))).find(({ type }) => type === "E")).C, text).toMatch(/^42501$/);
      expect(fieldsOf((await client.ask([extended(text), sync()]))[0]).C, text).toMatch(/^42501$|^42601$/);
    }
    expect(transcript(await client.ask(query("show standard_conforming_strings")))).toContain(
      "D \\x00\\x01\\x00\\x00\\x00\\x02on",
    );
  });

  it("what an opaque statement changed behind our back is found before the next statement is judged", async () => {
    using client = await RawClient.open(world.guarded);
    client.write(
      query("do $$ begin execute 'set standard_conforming_strings = off'; end $$"),
      query("select 'a\\'', 'marker-drift'"),
    );
    await client.end();
    expect(world.recorder.saw("marker-drift")).toBe(false);
    expect(client.answers.some(({ type }) => type === "E")).toBe(true);
  });
});
