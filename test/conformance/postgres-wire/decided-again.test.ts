import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extended, message } from "./messages.ts";
import { fieldsOf, RawClient, transcript } from "./raw-client.ts";
import { openForbiddenWorld, type WireWorld } from "./world.ts";

const { query, parse, bind, describe: describing, execute, close, sync } = message;
const denied = "select * from forbidden";

describe("what is denied, and what names stand for afterwards", () => {
  let world: WireWorld;

  beforeAll(async () => {
    world = await openForbiddenWorld();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

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
});
