import { expect, test } from "vitest";
import { decodeDetail } from "../api/decode.ts";
import { changedRow, evidenceWords } from "./evidence-words.ts";

/** From the wire's JSON, where what is absent must stay absent. */
function evidence(json: unknown) {
  const summary = { id: "req_1", state: "REQUEST_STATE_PENDING" };
  const decoded = decodeDetail({ request: { summary, operation: { postgresQuery: { statement: "x" } }, evidence: json } });
  if (decoded.evidence === undefined) throw new Error("no evidence");
  return decoded.evidence;
}
const titles = (json: unknown) => evidenceWords(evidence(json)).map(({ title }) => title);

test("a failure, and evidence that says nothing, are unknown and never no effect", () => {
  for (const json of [{ failure: "timed out" }, {}, { sample: [] }]) {
    const said = evidenceWords(evidence(json));
    expect(said).toMatchObject([{ tone: "unknown", title: "What it would do could not be found out so far" }]);
    expect(JSON.stringify(said)).not.toMatch(/0 rows|no rows|no effect/);
  }
});

test("what was found out before the failure is shown beside it", () => {
  expect(titles({ failure: "lock timeout", plan: "Seq Scan", estimatedRows: 12 })).toEqual([
    "What it would do could not be found out so far",
    "PostgreSQL expects about 12 rows",
  ]);
});

test("none that was counted is not the same as not counted", () => {
  expect(titles({ affectedRows: 0, plan: "x" })).toEqual(["It changed no rows when it was tried"]);
  expect(titles({ plan: "x" })).toEqual([]);
  // Only what locks its client holds was asked for.
  expect(titles({ locks: ["AccessExclusiveLock on public.orders"] })).toEqual([]);
  expect(titles({ affectedRows: 1, estimatedRows: 0 })).toEqual(["It would change 1 row", "PostgreSQL expects about 0 rows"]);
});

test("a dry run that changes nothing is not the same as none", () => {
  expect(titles({ changes: {} })).toEqual(["It would change nothing, as things are"]);
  expect(titles({ changes: { fields: [{ path: "spec.replicas", before: "1" }], more: 2 } })).toEqual([
    "It would change 3 fields",
  ]);
  expect(titles({ about: [{ name: "Object", text: "Pod" }] })).toEqual([]);
  expect(titles({ about: [{ name: "Object", text: "Pod" }], failure: "403" })).toEqual([
    "What it would do could not be found out so far",
  ]);
});

test("a side of a field that is not there stays absent; a field with neither is an error", () => {
  const { changes } = evidence({
    changes: {
      fields: [
        { path: "a", before: '""' },
        { path: "b", after: "null" },
      ],
    },
  });
  expect(changes?.fields).toEqual([
    { path: "a", before: '""', after: undefined },
    { path: "b", before: undefined, after: "null" },
  ]);
  expect(() => evidence({ changes: { fields: [{ path: "a" }] } })).toThrow(/neither side/);
});

test("NULL, the empty text and a side that is not there are three different things", () => {
  const columns = ["a", "b"];
  const { sample } = evidence({
    sample: [
      { columns, before: [{}, { text: "1" }], after: [{ text: "" }, { text: "1" }] },
      { columns, after: [{}, { text: "2" }] },
      { columns, before: [{}, { text: "3" }] },
      { columns, after: [{}, { text: "4" }], beforeUnknown: true },
    ],
  });
  expect(sample.map(changedRow)).toEqual([
    {
      kind: "changed",
      cells: [
        { column: "a", before: null, after: "", changed: true },
        { column: "b", before: "1", after: "1", changed: false },
      ],
    },
    expect.objectContaining({ kind: "new", cells: expect.arrayContaining([expect.objectContaining({ before: undefined })]) }),
    expect.objectContaining({ kind: "gone", cells: expect.arrayContaining([expect.objectContaining({ after: undefined })]) }),
    expect.objectContaining({ kind: "after" }),
  ]);
});

test("a row that has not one value for each column is an error, not another row", () => {
  expect(() => evidence({ sample: [{ columns: ["a", "b"], before: [{ text: "1" }] }] })).toThrow(/one value for each column/);
});
