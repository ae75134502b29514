import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPostgres, type PostgresVersion } from "../../harness/postgres.ts";
import { normalised, psql, type Ran, scripts } from "./psql.ts";
import { openWireWorld, type WireWorld } from "./world.ts";

const versions: readonly PostgresVersion[] = installedPostgres() === undefined ? ["newest"] : ["newest", "installed"];

/** Runs all scripts through one door, each as one session of psql. */
async function runs(door: Parameters<typeof psql>[0]): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  for (const script of scripts) {
    const { out, err, code } = await psql(door, ["-a", "-f", script]);
    ran.push({ out: normalised(out), err: normalised(err), code });
  }
  return ran;
}

describe.each(versions)("psql by a policy that allows everything, PostgreSQL %s", (version) => {
  let world: WireWorld;
  let direct: readonly Ran[];
  let guarded: readonly Ran[];
  let statements = 0;

  beforeAll(async () => {
    world = await openWireWorld({ version });
    const { fresh, instance } = world;
    await fresh();
    direct = await runs(world.direct);
    statements = instance.postgres.log().match(/LOG: {2}(statement|execute)/g)?.length ?? 0;
    await fresh();
    guarded = await runs(world.guarded);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it("runs a script of more than 500 statements, counted by the server", () => {
    expect(statements).toBeGreaterThan(1000);
  });

  it.each(scripts.map((name, index) => [name, index] as const))("shows the same as the server itself: %s", (_name, index) => {
    expect(guarded[index]?.err).toBe(direct[index]?.err);
    expect(guarded[index]?.out).toBe(direct[index]?.out);
    expect(guarded[index]?.code).toBe(direct[index]?.code);
  });

  it("tells the place of an error that an older server's parser does not know", async () => {
    const script = ["-c", "select 1 fetch first 1 row with ties"];
    const [own, through] = [await psql(world.direct, script), await psql(world.guarded, script)];
    // The text is read by the parser of version 18, whatever the server's is.
    expect(through.err.split("\n")[0]).toBe(own.err.split("\n")[0]);
    if (version === "newest") expect(through.err).toBe(own.err);
    else
      expect(through.err.split("\n").slice(1, 3)).toEqual([
        "LINE 1: select 1 fetch first 1 row with ties",
        expect.stringMatching(/^ +\^$/),
      ]);
  });
});
