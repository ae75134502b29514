import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPostgres, type PostgresVersion } from "../../harness/postgres.ts";
import { conversed, type Pace, readyIn } from "./conversation.ts";
import { extendedProtocol, simple } from "./conversations.ts";
import { psql, scripts } from "./psql.ts";
import { openWireWorld, type WireWorld } from "./world.ts";

const versions: readonly PostgresVersion[] = installedPostgres() === undefined ? ["newest"] : ["newest", "installed"];
const conversations = Object.entries({ ...prefixed("simple", simple), ...prefixed("extended", extendedProtocol) });

function prefixed<Value>(prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}: ${name}`, value]));
}

describe.each(versions)("answers to conversations of frames, byte for byte those of PostgreSQL %s", (version) => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openWireWorld({ version });
    await world.fresh();
    await psql(world.direct, ["-q", "-f", scripts[0] ?? ""]);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it.each(conversations)("%s", async (_name, said) => {
    const wanted = await conversed(world.trusted, said);
    const paces: readonly Pace[] =
      Buffer.concat(said).length < 300 ? ["at once", "by frames", "by bytes"] : ["at once", "by frames"];
    for (const pace of paces) {
      const ready = readyIn(wanted);
      expect(await conversed(world.guarded, said, { pace, ready }), pace).toEqual(wanted);
    }
  });
});
