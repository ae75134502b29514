import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { normalised, psql, type Ran, scriptFolder, scripts } from "./psql.ts";
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
});
