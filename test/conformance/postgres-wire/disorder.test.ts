import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { residentMb } from "../../bench/process.ts";
import { conversed, readyIn } from "./conversation.ts";
import { extended, frame, int32, message } from "./messages.ts";
import { fieldsOf, RawClient, transcript } from "./raw-client.ts";
import { allButForbidden, openWireWorld, type WireWorld } from "./world.ts";

const { query, parse, bind, describe: describing, execute, close, flush, sync, copyData, copyDone, copyFail } = message;
const denied = "select * from forbidden";
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
    world = await openWireWorld({ policy: allButForbidden });
    await world.instance.postgres.query("create table forbidden (secret text)", [], "orders");
    await world.instance.postgres.query("alter table forbidden owner to orders_writer", [], "orders");
    world.mark();
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

  it("a statement that was prepared by SQL is not bound by the protocol", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask(query("prepare s as select 1"));
    const answers = await client.ask([bind({ statement: "s" }), execute(), sync()]);
    expect(answers.map(({ type }) => type)).toEqual(["E", "Z"]);
    expect(fieldsOf(answers[0])).toMatchObject({ C: "0A000" });
  });

  it("pg-deny: after a denial nothing up to the Sync counts, and the status is the true one", async () => {
    using client = await RawClient.open(world.guarded);
    const answers = await client.ask([
      extended(denied),
      query("select 'skipped'"),
      extended("select 'skipped'"),
      close("S", "x"),
      sync(),
    ]);
    expect(answers.map(({ type }) => type)).toEqual(["E", "Z"]);
    expect(fieldsOf(answers[0])).toMatchObject({ C: "42501", S: "ERROR" });
    await client.ask(query("begin"));
    const inside = await client.ask([extended(denied), sync()]);
    expect(transcript(inside).at(-1)).toBe("Z T");
    await client.ask(query("select 1 / 0"));
    expect(transcript(await client.ask([extended("select 1"), sync()])).at(-1)).toBe("Z E");
    expect(transcript(await client.ask(query(denied))).at(-1)).toBe("Z E");
  });

  it("pg-deny: a Bind after a denied Parse does not run the statement that had the name before", async () => {
    for (const name of ["", "s"]) {
      using client = await RawClient.open(world.guarded);
      await client.ask([parse("select 'old one'", name), sync()]);
      if (name !== "") await client.ask([close("S", name), sync()]);
      await client.ask([parse(denied, name), sync()]);
      const answers = await client.ask([bind({ statement: name }), execute(), sync()]);
      expect(
        answers.map(({ type }) => type),
        name,
      ).toEqual(["E", "Z"]);
      expect(fieldsOf(answers[0]).C).toBe("26000");
    }
  });

  it("pg-deny: of what is denied whatever its values are, neither the text nor the columns get through", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask([extended("select 1"), sync()]);
    world.recorder.forget();
    for (const name of ["", "s"]) {
      const told = await client.ask([
        parse("select secret from forbidden where secret = $1", name),
        describing("S", name),
        sync(),
      ]);
      expect(told.map(({ type }) => type)).toEqual(["E", "Z"]);
      expect(fieldsOf(told[0])).toMatchObject({ C: "42501", M: expect.stringContaining("not for you") });
      // Nor is anything left to be described or run by the next pipeline.
      const after = await client.ask([describing("S", name), sync()]);
      expect(after.map(({ type }) => type)).toEqual(["E", "Z"]);
      expect(fieldsOf((await client.ask([bind({ statement: name, values: ["x"] }), execute(), sync()]))[0]).C).toBe("26000");
    }
    expect(world.recorder.saw("forbidden")).toBe(false);
    // The name is free for another statement.
    expect(
      (await client.ask([parse("select 'mine'", "s"), bind({ statement: "s" }), execute(), sync()])).map(({ type }) => type),
    ).toEqual([..."12DCZ"]);
  });

  it("pg-deny: a denial in a pipeline rolls back what the same implicit transaction did before it", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask(query("create temp table t (a int)"));
    const answers = await client.ask([
      extended("insert into t values (1)"),
      extended(denied),
      extended("insert into t values (2)"),
      sync(),
    ]);
    expect(answers.map(({ type }) => type)).toEqual(["1", "2", "n", "C", "E", "Z"]);
    expect(transcript(await client.ask(query("select count(*)::text from t")))).toContain("D \\x00\\x01\\x00\\x00\\x00\\x010");
    await client.ask(query("begin"));
    await client.ask([extended("insert into t values (3)"), extended(denied), extended("insert into t values (4)"), sync()]);
    await client.ask(query("commit"));
    expect(transcript(await client.ask(query("select string_agg(a::text, ',') from t")))).toContain(
      "D \\x00\\x01\\x00\\x00\\x00\\x013",
    );
  });

  it("pg-deny: replies stay in order when allowed and denied statements are mixed in a pipeline of many Syncs", async () => {
    using client = await RawClient.open(world.guarded);
    const parts = Array.from({ length: 60 }, (_, n) =>
      n % 3 === 1
        ? query(denied)
        : n % 3 === 2
          ? Buffer.concat([extended(denied), sync()])
          : Buffer.concat([extended(`select 'row ${n}'`), sync()]),
    );
    const answers = await client.ask(parts, 60);
    const seen = answers
      .filter(({ type }) => type === "D" || type === "E")
      .map(({ type, body }) => (type === "E" ? "denied" : body.subarray(6).toString()));
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? `row ${n}` : "denied")));
  });

  it("pg-bind: every Bind and every further Execute of a finished portal is decided again", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask(query(`begin; prepare hidden as select 1; declare c cursor for select 1`));
    for (const text of [
      "execute nothing_known",
      `prepare p as ${denied}`,
      `declare d cursor for ${denied}`,
      `explain analyze ${denied}`,
      `copy forbidden to stdout`,
    ]) {
      const answers = await client.ask(query(text));
      expect(fieldsOf(answers.find(({ type }) => type === "E")).C, text).toMatch(/^(42501|26000)$/);
    }
    expect(world.ran("forbidden")).toEqual([]);
  });

  it("pg-bind: what SQL has prepared is run by EXECUTE, and its cursors are read by FETCH, where each is decided", async () => {
    using client = await RawClient.open(world.guarded);
    await client.ask(query("begin; prepare hidden as select 1; declare c cursor for select 2"));
    for (const [asked, said] of [
      [
        [message.bind({ statement: "hidden" }), message.execute(), sync()],
        'Countersign: "hidden" was prepared by SQL; run it by EXECUTE',
      ],
      [[message.execute("c"), sync()], 'Countersign: "c" is a cursor; read it by FETCH'],
    ] as const) {
      const answers = await client.ask([...asked]);
      expect(answers.map(({ type }) => type)).toEqual(["E", "Z"]);
      expect(fieldsOf(answers[0])).toMatchObject({ C: "0A000", M: said });
    }
    // Nothing of it reached the server: the transaction goes on.
    expect(transcript(await client.ask(query("execute hidden; fetch c")))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^D .*1$/), expect.stringMatching(/^D .*2$/), "Z T"]),
    );
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
