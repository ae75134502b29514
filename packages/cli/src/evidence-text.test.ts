import { Evidence, type PastDecision, RequestDetail, RequestState } from "@countersign/rpc";
import { expect, test } from "vitest";
import { evidenceLines } from "./evidence-text.ts";

const text = (evidence: Partial<Evidence>, past: PastDecision[] = []) =>
  evidenceLines((heading) => `# ${heading}`, RequestDetail.fromPartial({ evidence: Evidence.fromPartial(evidence), past })).join(
    "\n",
  );

test("a failure is never shown as no effect", () => {
  expect(text({ failure: "Rows are locked." })).toContain('NOT FOUND OUT, which does not mean "no effect": Rows are locked.');
  // A newer server may say something that this program does not know.
  expect(text({})).toContain("NOT FOUND OUT");
  expect(text({ affectedRows: 0 })).not.toContain("NOT FOUND OUT");
});

test("an effect: rows before and after, in which nothing can deceive", () => {
  const shown = text({
    affectedRows: 3,
    estimatedRows: 2,
    notes: ["Numbers of app.s may have been used up."],
    sample: [
      {
        columns: ["id", "na\u202eme"],
        before: [{ text: "1" }, { text: 'a" → "b' }],
        after: [{ text: "1" }, { text: undefined }],
        beforeUnknown: false,
      },
      { columns: ["id"], before: [], after: [{ text: "\u001b[31m2" }], beforeUnknown: false },
      { columns: ["id"], before: [], after: [{ text: "3" }], beforeUnknown: true },
    ],
    plan: "Update on item\n  -> Seq Scan\u001b[2J",
  });
  expect(shown.split("\n").slice(1)).toEqual([
    "# What it would do",
    "  When it was tried and rolled back, it changed 3 rows.",
    "  PostgreSQL expects about 2 rows.",
    "  Numbers of app.s may have been used up.",
    "  a row",
    '    id            "1"',
    '    na\\u{202e}me  "a\\" → \\"b" → NULL',
    "  a new row",
    '    id  "\\u001b[31m2"',
    "  a row, not known how it is now",
    '    id  "3"',
    "  Plan",
    "    Update on item",
    "      -> Seq Scan\\u{1b}[2J",
  ]);
});

test("fields that a dry run would change, in which nothing can deceive", () => {
  const shown = text({
    about: [{ name: "Object", text: "Deployment shop/we\u001bb" }],
    changes: {
      fields: [
        { path: "spec.containers[name=web].image", before: '"a\u202e"', after: '"b → c"' },
        { path: "x\u001b[2J", before: "1", after: undefined },
        { path: "y", before: undefined, after: "{}" },
      ],
      more: 1,
    },
  });
  expect(shown.split("\n").slice(2)).toEqual([
    "  Object: Deployment shop/we\\u{1b}b",
    "  Tried without storing anything, it would change 4 fields:",
    '    spec.containers[name=web].image: "a\\u{202e}" → "b → c"',
    "    x\\u{1b}[2J: 1 → (removed)",
    "    y: (new) → {}",
    "    … and 1 more field",
  ]);
  expect(text({ changes: { fields: [], more: 0 } })).toContain("would change nothing, as things are");
  expect(text({ changes: { fields: [], more: 0 } })).not.toContain("NOT FOUND OUT");
});

test("what the client's open transaction holds meanwhile", () => {
  const shown = text({ locks: ["AccessExclusiveLock on public.it\u001bem", "It has been open for 3 s."] });
  expect(shown).not.toContain("NOT FOUND OUT");
  expect(shown.split("\n").slice(2)).toEqual([
    "  While it waits, the client's open transaction holds",
    "    AccessExclusiveLock on public.it\\u{1b}em",
    "    It has been open for 3 s.",
  ]);
});

test("earlier requests: how they ended, who asked, who voted", () => {
  const past = { id: "req_1", state: RequestState.DENIED, subject: "agent\u001b", votes: ["bob: deny"], createdMs: 0 };
  expect(text({ affectedRows: 1 }, [past])).toContain("req_1  denied, asked by agent\\u{1b}; bob: deny");
});
