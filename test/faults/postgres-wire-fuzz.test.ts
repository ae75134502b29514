import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message } from "../conformance/postgres-wire/messages.ts";
import { RawClient } from "../conformance/postgres-wire/raw-client.ts";
import { allButForbidden, openWireWorld, type WireWorld } from "../conformance/postgres-wire/world.ts";
import { Random } from "../harness/random.ts";
import { fuzzCodec } from "./postgres-wire/codec-fuzz.ts";
import { fuzzSessions } from "./postgres-wire/session-fuzz.ts";

const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);

describe(`pg-frames: the short form of \`npm run fuzz\`; seed ${seed}`, () => {
  it("the codec reads 20,000 streams of valid and broken messages as they are, wherever they are cut", () => {
    fuzzCodec(new Random(seed), 20_000);
  });

  describe("sessions against a real server", () => {
    let world: WireWorld;

    beforeAll(async () => {
      world = await openWireWorld({ policy: allButForbidden });
    });
    afterAll(() => world?.[Symbol.asyncDispose]());

    it("400 sessions get the server's own answers, or nothing denied gets through", async () => {
      const done = await fuzzSessions(world, seed, 400);
      expect(done).toEqual({ compared: 200, broken: 200 });
      using client = await RawClient.open(world.guarded);
      expect((await client.ask(message.query("select 'alive'"))).some(({ body }) => body.includes("alive"))).toBe(true);
      expect(world.instance.log).not.toMatch(/internal|TypeError|RangeError|Unhandled/);
    });
  });
});
