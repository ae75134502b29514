import { beforeAll, describe, expect, it } from "vitest";
import { loadParser } from "./parser.ts";
import { sqlSteps } from "./steps.ts";

beforeAll(loadParser);

describe("pg-bind: what statements do to names of the session", () => {
  it.each([
    ["select 1", undefined],
    ["select 1 from t fetch first 3 rows only", undefined],
    ["prepare Q (int) as select $1", [{ does: "prepare", name: "q", text: "prepare Q (int) as select $1" }]],
    ['execute "Q"(7)', [{ does: "execute", name: "Q" }]],
    ["deallocate q", [{ does: "deallocate", name: "q" }]],
    ["deallocate all", [{ does: "deallocate" }]],
    ["declare c cursor for select 1", [{ does: "declare", name: "c", text: "declare c cursor for select 1", hold: false }]],
    [
      "declare c cursor with hold for select 1",
      [{ does: "declare", name: "c", text: "declare c cursor with hold for select 1", hold: true }],
    ],
    ["fetch 10 from c", [{ does: "fetch", name: "c" }]],
    ["move all in c", [{ does: "fetch", name: "c" }]],
    ["close all", [{ does: "close" }]],
    ["close c", [{ does: "close", name: "c" }]],
    ["start transaction", [{ does: "begin" }]],
    ["abort", [{ does: "end" }]],
    ["end", [{ does: "end" }]],
    ["rollback to savepoint s", undefined],
    ["copy t (a, b) from stdin", [{ does: "copy-in", columns: 2, binary: false }]],
    ["copy t from stdin with (format binary)", [{ does: "copy-in", columns: 0, binary: true }]],
    ["copy t to stdout", undefined],
    ["copy t from program 'x'", undefined],
    ["copy t from '/tmp/x'", undefined],
  ])("%s", (text, steps) => {
    expect(sqlSteps(text)).toEqual(steps);
  });

  it("tells those of a text of several statements in order, with their own texts", () => {
    expect(sqlSteps("begin; prepare q as select 1; select 2; execute q; commit")).toEqual([
      { does: "begin" },
      { does: "prepare", name: "q", text: "prepare q as select 1" },
      { does: "other" },
      { does: "execute", name: "q" },
      { does: "end" },
    ]);
  });
});
