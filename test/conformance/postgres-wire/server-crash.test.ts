import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPostgres, type PostgresVersion } from "../../harness/postgres.ts";
import { message } from "./messages.ts";
import { RawClient, transcript } from "./raw-client.ts";
import { allButForbidden, openWireWorld, type WireWorld } from "./world.ts";

const { query, execute, sync } = message;

const versions: readonly PostgresVersion[] = installedPostgres() === undefined ? ["newest"] : ["newest", "installed"];

/** A process that crashes takes every other session of the server with it. Seen with 18.4, not with 15.18. */
describe.each(versions)("what crashes a process of some PostgreSQL; here %s", (version) => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openWireWorld({ version, policy: allButForbidden });
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it("pg-frames: an Execute of the portal that a failed text has left behind does not reach it", async () => {
    using other = await RawClient.open(world.trusted);
    using client = await RawClient.open(world.guarded);
    await client.ask([query("begin"), query("close b")], 2);
    const answers = transcript(await client.ask([execute(), sync()]));
    expect(answers).toEqual(['E SERROR\\x00VERROR\\x00C34000\\x00Mportal "" does not exist\\x00\\x00', "Z E"]);
    expect(transcript(await client.ask([query("rollback"), query("select 1")], 2)).at(-1)).toBe("Z I");
    expect(transcript(await other.ask(query("select 1"))).at(-1)).toBe("Z I");
    expect(world.instance.postgres.log()).not.toContain("was terminated by signal");
  });
});
