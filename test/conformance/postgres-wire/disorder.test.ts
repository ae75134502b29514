import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { residentMb } from "../../bench/process.ts";
import { conversed, readyIn } from "./conversation.ts";
import { extended, frame, int32, message } from "./messages.ts";
import { fieldsOf, RawClient, transcript } from "./raw-client.ts";
import { openForbiddenWorld, type WireWorld } from "./world.ts";

const { query, parse, bind, describe: describing, execute, close, flush, sync, copyData, copyDone, copyFail } = message;
/** Every message that a client may send after start-up, but the two that end the conversation. */
const vocabulary = {
  Query: query("select 1"),
  Parse: parse("select 1"),
  Bind: bind(),
  "Describe S": describing("S"),
  "Describe P": describing("P"),
  Execute: execute(),
  "Close S": close("S"),
  "Close P": close("P"),
  Flush: flush(),
  Sync: sync(),
  CopyData: copyData("1\n"),
  CopyDone: copyDone(),
  CopyFail: copyFail("x"),
};
const known = "QPBDECHSdcfXF";

describe("frames that are broken, out of order, or of no known type", () => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openForbiddenWorld();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** Says it, and gives the fields of the error with which the connection ended. */
  async function endOf(...said: readonly Buffer[]): Promise<Readonly<Record<string, string>>> {
    using client = await RawClient.open(world.guarded);
    client.write(...said);
    await client.end();
    return fieldsOf(client.answers.findLast(({ type }) => type === "E"));
  }

  it("every message after every other is answered as by the server", async () => {
    const names = Object.entries(vocabulary);
    for (const [first, one] of names)
      for (const [second, other] of names) {
        const said = [one, other, sync(), query("select 'after'")];
        const wanted = await conversed(world.trusted, said);
        expect(await conversed(world.guarded, said, { ready: readyIn(wanted) }), `${first}, ${second}`).toEqual(wanted);
      }
  });

  it("three in a row, in every order of what can go wrong, too", async () => {
    const { Query, Parse, Bind, Execute } = vocabulary;
    const some = {
      Query,
      Parse,
      Bind,
      Execute,
      Bad: parse("selec"),
      Fails: extended("select 1 / 0"),
      Begin: query("begin"),
    };
    for (const [a, one] of Object.entries(some))
      for (const [b, two] of Object.entries(some))
        for (const [c, three] of Object.entries(some)) {
          const said = [one, two, three, sync(), query("select 'after'")];
          const wanted = await conversed(world.trusted, said);
          expect(await conversed(world.guarded, said, { ready: readyIn(wanted) }), `${a}, ${b}, ${c}`).toEqual(wanted);
        }
  });

  it("a type that nobody knows ends the connection, and nothing of it is forwarded", async () => {
    world.recorder.forget();
    for (let type = 0; type < 256; type++) {
      const letter = String.fromCharCode(type);
      if (known.includes(letter)) continue;
      expect(await endOf(frame(letter, "marker-of-this\0")), letter).toMatchObject({ C: "08P01", S: "FATAL" });
    }
    expect(world.recorder.saw("marker-of-this")).toBe(false);
  });

  it("lengths that cannot be end the connection", async () => {
    for (const type of known)
      for (const length of [0, 3, -1, -2_147_483_648]) {
        const header = Buffer.concat([Buffer.from(type), int32(length)]);
        expect(await endOf(header, Buffer.alloc(64)), `${type} ${length}`).toMatchObject({ C: "08P01", S: "FATAL" });
      }
  });

  it("bodies that do not fit their frames are refused, and the connection goes on at the next Sync", async () => {
    const broken = [
      frame("Q", "select 1"),
      frame("Q", "select 1\0x"),
      frame("Q", "select 1\0select * from forbidden\0"),
      frame("Q", Buffer.from([0x73, 0xff, 0xfe, 0])),
      frame("P", "\0"),
      frame("P", "\0select 1\0", 5),
      frame("P", "\0select 1\0", 0, "extra"),
      frame("P", "no end"),
      frame("B", "\0\0", 0, 0),
      frame("B", "\0\0", 0, 1, int32(100), "x", 0),
      frame("B", "\0\0", 0, 1, int32(-7), 0),
      frame("B", "\0\0", 0, 0, 0, "extra"),
      frame("B", "\0\0", 1, 7, 0, 0),
      frame("E", "\0"),
      frame("E", "x"),
      frame("D", "S"),
      frame("D", "\0"),
      frame("C"),
      frame("D", "Sname\0more\0"),
      frame("H", "body"),
      frame("S", "body"),
    ];
    for (const one of broken) {
      using client = await RawClient.open(world.guarded);
      client.write(one, sync(), query("select 'still here'"));
      await Promise.race([client.end(), client.until(({ body }) => body.includes("still here")).catch(() => {})]);
      const shown = transcript([{ type: one.toString("latin1", 0, 1), body: one.subarray(5) }]).join();
      expect(fieldsOf(client.answers.find(({ type }) => type === "E")).C, shown).toMatch(/^(08P01|22021|22023|42601)$/);
    }
    expect(world.ran("forbidden")).toEqual([]);
  });

  it("a message cut at any byte runs nothing", async () => {
    world.recorder.forget();
    const messages = [
      query("select 'marker-cut'"),
      parse("select 'marker-cut'"),
      Buffer.concat([parse("select 1 /* first */"), bind({ values: ["marker-cut"] })]),
    ];
    for (const one of messages)
      for (let at = 1; at < one.length; at += 3) {
        using client = await RawClient.open(world.guarded);
        client.write(one.subarray(0, at));
        client.socket.end();
        await client.end();
      }
    expect(world.recorder.saw("marker-cut")).toBe(false);
  });

  it("FunctionCall is refused, and the connection lives on", async () => {
    world.recorder.forget();
    using client = await RawClient.open(world.guarded);
    const answers = await client.ask(message.functionCall(1598));
    expect(fieldsOf(answers[0]).C).toBe("0A000");
    expect((await client.ask(query("select 'alive'"))).some(({ body }) => body.includes("alive"))).toBe(true);
    expect(world.recorder.bytes.includes(message.functionCall(1598))).toBe(false);
  });

  it("what is too large is refused without being kept", async () => {
    const before = residentMb(world.instance.pid);
    for (const type of ["Q", "P", "B"]) {
      using client = await RawClient.open(world.guarded);
      client.write(Buffer.from(type), int32(40_000_004));
      for (let sent = 0; sent < 40; sent++) {
        client.write(Buffer.alloc(1_000_000, "x"));
        if (client.socket.writableNeedDrain) await new Promise((resolve) => client.socket.once("drain", resolve));
      }
      client.write(sync(), query("select 'alive'"));
      await client.until(({ body }) => body.includes("alive"));
      expect(fieldsOf(client.answers.find(({ type: answer }) => answer === "E")).C, type).toBe("54000");
    }
    expect(residentMb(world.instance.pid) - before).toBeLessThan(100);
  });

  it("names of more than 63 bytes are refused: the server would take two of them for one", async () => {
    using client = await RawClient.open(world.guarded);
    const name = "n".repeat(64);
    const answers = await client.ask([parse("select 1", name), bind({ statement: name }), execute(), sync()]);
    expect(answers.map(({ type }) => type)).toEqual(["E", "Z"]);
    expect(fieldsOf(answers[0]).C).toBe("42622");
  });

  it("a client that never reads makes the server wait, not the memory grow", async () => {
    const before = residentMb(world.instance.pid);
    using client = await RawClient.open(world.guarded);
    client.socket.pause();
    for (let n = 0; n < 300; n++) client.socket.write(query("select repeat('x', 1000000)"));
    await sleep(1500);
    expect(residentMb(world.instance.pid) - before).toBeLessThan(64);
  });

  it("thousands of statements without a Sync, and thousands of names, take bounded memory", async () => {
    const before = residentMb(world.instance.pid);
    using client = await RawClient.open(world.guarded);
    for (let n = 0; n < 20; n++) {
      const many = Array.from({ length: 500 }, (_, k) => parse(`select ${k}`, `name ${n} ${k}`));
      client.answers.length = 0;
      client.write(...many, sync());
      await client.ready();
    }
    expect(residentMb(world.instance.pid) - before).toBeLessThan(80);
  });

  it("others are served all the while", async () => {
    using client = await RawClient.open(world.guarded);
    expect((await client.ask(query("select 'served'"))).some(({ body }) => body.includes("served"))).toBe(true);
    expect(world.instance.log).not.toMatch(/TypeError|RangeError|Unhandled|internal/i);
  });
});
