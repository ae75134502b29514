import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conversed } from "./conversation.ts";
import { extended, message } from "./messages.ts";
import { openWireWorld, type WireWorld } from "./world.ts";

const { query, sync } = message;

describe("a client that says goodbye behind everything else", () => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openWireWorld();
    await world.instance.postgres.query("create table item (id int)", [], "orders");
    await world.instance.postgres.query("alter table item owner to orders_writer", [], "orders");
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it("gets the answers to what it said before, as from the server", async () => {
    for (const said of [
      [query("select 1"), query("do $$ begin raise notice 'n'; end $$"), query("select 2")],
      [extended("select 1"), sync(), extended("select 1 / 0"), sync(), query("select 3")],
      [query("begin"), query("select 1")],
    ])
      expect(await conversed(world.guarded, said)).toEqual(await conversed(world.trusted, said));
  });

  it("has what it said before done", async () => {
    await conversed(world.guarded, [
      query("insert into item values (1)"),
      query("insert into item values (2)"),
      extended("insert into item values (3)"),
      sync(),
    ]);
    expect(await world.instance.value("select string_agg(id::text, ',' order by id) from item")).toBe("1,2,3");
  });
});
