import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extended, message } from "./messages.ts";
import { normalised, psql, type Ran, scriptFolder, scripts } from "./psql.ts";
import { fieldsOf, RawClient } from "./raw-client.ts";
import { allButForbidden, openWireWorld, type WireWorld } from "./world.ts";

const denied = "select 'denied' from forbidden;";

/** A script with a statement that policy denies between its own, and the lines where. In its place the other has an empty line. */
interface Interrupted {
  readonly guarded: string;
  readonly direct: string;
  readonly lines: ReadonlySet<number>;
}

/** Puts the denied statement wherever a statement ends at the end of a line and a statement of SQL begins on the next. */
function interrupt(script: string): Interrupted {
  const lines = readFileSync(join(scriptFolder, script), "utf8").split("\n");
  const written = { guarded: [] as string[], direct: [] as string[], lines: new Set<number>() };
  let isData = false;
  // There psql closes a cursor that was never declared, which is an error of its own.
  let inParts = false;
  for (const [index, line] of lines.entries()) {
    written.guarded.push(line);
    written.direct.push(line);
    if (/^\\?copy .* from stdin/.test(line)) isData = true;
    else if (line === "\\.") isData = false;
    if (line.includes("FETCH_COUNT")) inParts = line.startsWith("\\set");
    const next = lines[index + 1] ?? "";
    const isBetween =
      /;$/.test(line) && /^(select|insert|update|delete|begin|fetch|create|copy \(|rollback|commit|set|values) ?/.test(next);
    if (isData || inParts || !isBetween || /^'|unterminated|\(1;/.test(line)) continue;
    written.guarded.push(denied);
    written.direct.push("");
    written.lines.add(written.guarded.length);
  }
  return { guarded: written.guarded.join("\n"), direct: written.direct.join("\n"), lines: written.lines };
}

/** Takes the denials out of what psql wrote to standard error; gives them apart. */
function withoutDenials(
  text: string,
  lines: ReadonlySet<number>,
): { readonly rest: string; readonly denials: readonly string[] } {
  const denials: string[] = [];
  const rest = text.split(/(?=^psql:)/m).filter((message) => {
    const [, line] = /^psql:[^:]+:(\d+): /.exec(message) ?? [];
    if (!lines.has(Number(line))) return true;
    denials.push(message);
    return false;
  });
  return { rest: rest.join(""), denials };
}

describe("psql when every few statements one is denied", () => {
  let world: WireWorld;
  const seen = new Map<string, { readonly direct: Ran; readonly guarded: Ran; readonly lines: ReadonlySet<number> }>();

  beforeAll(async () => {
    world = await openWireWorld({ policy: allButForbidden });
    const { instance, fresh } = world;
    const versions = scripts.map((script) => ({ script, ...interrupt(script) }));
    const through = async (way: "direct" | "guarded"): Promise<readonly Ran[]> => {
      await fresh();
      const ran: Ran[] = [];
      for (const one of versions) {
        const file = join(instance.folder, "script.sql");
        writeFileSync(file, one[way]);
        const { out, err, code } = await psql(world[way], ["-f", file]);
        ran.push({ out: normalised(out), err: normalised(err), code });
      }
      return ran;
    };
    const [direct, guarded] = [await through("direct"), await through("guarded")];
    for (const [index, { script, lines }] of versions.entries()) {
      const [own, other] = [direct[index], guarded[index]];
      if (own && other) seen.set(script, { direct: own, guarded: other, lines });
    }
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it.each(scripts)("leaves the rest as the server would have it: %s", (script) => {
    const { direct, guarded, lines } = seen.get(script) ?? expect.fail("not run");
    const { rest, denials } = withoutDenials(guarded.err, lines);
    expect(rest).toBe(direct.err);
    expect(guarded.out).toBe(direct.out);
    expect(denials.length).toBe(lines.size);
    for (const denial of denials) expect(denial).toMatch(/42501|That table is not for you|denied/);
  });

  it("sends nothing of what was denied", () => {
    expect(world.recorder.saw("forbidden")).toBe(false);
    expect(world.recorder.saw("customer")).toBe(true);
  });

  it("takes the statement and the portal without a name away with the Query that is refused, at the server as well", async () => {
    const { query, parse, bind, describe: describing, execute, sync } = message;
    using client = await RawClient.open(world.guarded);
    const kinds = async (said: readonly Buffer[], ready = 1): Promise<string> =>
      (await client.ask(said, ready)).map(({ type, body }) => (type === "E" ? fieldsOf({ type, body }).C : type)).join(" ");
    for (const [text, code] of [
      [denied, "42501"],
      ["selec", "42601"],
    ] as const) {
      expect(await kinds([parse("select 'older'"), sync()])).toBe("1 Z");
      expect(await kinds([query(text)])).toBe(`${code} Z`);
      expect(await kinds([bind(), execute(), sync()])).toBe("26000 Z");
      expect(await kinds([describing("S"), sync()])).toBe("26000 Z");
    }
    // Said at once, where the statement's own answer is still due.
    expect(await kinds([parse("select 'older'"), sync(), query(denied), bind(), execute(), sync()], 3)).toBe(
      "1 Z 42501 Z 26000 Z",
    );
    // A transaction lives on, without the portal.
    expect(await kinds([query("begin"), extended("select generate_series(1, 3)", {}, 1), sync()], 2)).toBe("C Z 1 2 T D s Z");
    expect(await kinds([query(denied)])).toBe("42501 Z");
    expect(await kinds([query("select 1")])).toBe("T D C Z");
    expect(await kinds([extended("select generate_series(1, 3)", {}, 1), sync(), query(denied)], 2)).toBe("1 2 T D s Z 42501 Z");
    expect(await kinds([execute(), sync()])).toBe("34000 Z");
  });
});
