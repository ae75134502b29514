import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPostgres, type PostgresVersion } from "../../harness/postgres.ts";
import { conversed, type Pace, readyIn } from "./conversation.ts";
import { conversations } from "./conversations.ts";
import { extended, message } from "./messages.ts";
import { psql, scripts } from "./psql.ts";
import { openWireWorld, type WireWorld } from "./world.ts";

const versions: readonly PostgresVersion[] = installedPostgres() === undefined ? ["newest"] : ["newest", "installed"];

describe.each(versions)("answers to conversations of frames, byte for byte those of PostgreSQL %s", (version) => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openWireWorld({ version });
    await world.fresh();
    await psql(world.direct, ["-q", "-f", scripts[0] ?? ""]);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it.each(Object.entries(conversations))("%s", async (_name, said) => {
    const wanted = await conversed(world.trusted, said);
    const paces: readonly Pace[] =
      Buffer.concat(said).length < 300 ? ["at once", "by frames", "by bytes"] : ["at once", "by frames"];
    for (const pace of paces) {
      const ready = readyIn(wanted);
      expect(await conversed(world.guarded, said, { pace, ready }), pace).toEqual(wanted);
    }
  });

  it("a goodbye behind everything else: what was said before is answered", async () => {
    const { query, sync } = message;
    for (const said of [
      [query("select 1"), query("do $$ begin raise notice 'n'; end $$"), query("select 2")],
      [extended("select 1"), sync(), extended("select 1 / 0"), sync(), query("select 3")],
      [query("begin"), query("select 1"), message.execute("nothing")],
    ])
      expect(await conversed(world.guarded, said)).toEqual(await conversed(world.trusted, said));
  });

  it("a goodbye behind everything else: what was said before is done", async () => {
    const { query, sync } = message;
    await conversed(world.guarded, [
      query("create table said (id int)"),
      query("insert into said values (1)"),
      query("insert into said values (2)"),
      extended("insert into said values (3)"),
      sync(),
    ]);
    expect(await world.instance.value("select string_agg(id::text, ',' order by id) from said")).toBe("1,2,3");
  });
});
