import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes } from "../../exit.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-policy-diff-"));
  mkdirSync(join(folder, "new"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function diff(before: string, after: string, ...options: readonly string[]) {
  writeFileSync(join(folder, "old.yaml"), before);
  writeFileSync(join(folder, "new/policy.yaml"), after);
  writeFileSync(join(folder, "new/policy.policy-test.yaml"), "no policy");
  const terminal = testingTerminal({ cwd: folder });
  const code = await run(["policy", "diff", "old.yaml", "new", ...options], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const before = `version: 1
variables: { most: 5 }
rules:
  - { id: reads, when: sql.readOnly, effect: allow, role: reader, limits: { rows: 1000 } }
  - { id: few, when: sql.statements > variables.most, effect: deny }
  - id: writes
    when: sql.writes
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }] }
`;

const after = `version: 1
variables: { most: 9 }
rules:
  - id: writes
    when: |
      sql.writes
        && sql.hasWhere
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba], count: 2 }] }
  - { id: few, when: sql.statements > variables.most, effect: deny }
  - { id: reads, when: sql.readOnly, effect: allow, role: reader, limits: { rows: 5000 } }
  - { id: never, when: '"DROP" in sql.kinds', effect: deny }
`;

test("what is different is told in words, a line for each change, and the status is 1", async () => {
  expect(await diff(before, after)).toEqual({
    code: exitCodes.failure,
    err: "",
    out: `tighter  never: new rule: deny on all resources
           + "DROP" in sql.kinds
looser   reads: rows limit 1000 → 5000
both     writes: the condition changed, it now holds for less
           - sql.writes
           + sql.writes
           +   && sql.hasWhere
tighter  writes: now needs 2 people of group:dba (was 1)
         the variable most changed: 5 → 9 (reaches few)
5 changes: 1 looser, 2 tighter, 1 both
`,
  });
});

test("nothing is different, nothing is said but that, and the status is 0", async () => {
  const moved = before.replace("sql.readOnly", "( sql.readOnly )").replace("version: 1", "# a comment\nversion: 1");
  expect(await diff(before, moved)).toEqual({ code: exitCodes.ok, err: "", out: "The two policies are the same.\n" });
});

test("as JSON", async () => {
  const { code, out } = await diff(before, after, "--json");
  expect(code).toBe(exitCodes.failure);
  expect(JSON.parse(out)).toMatchObject({
    same: false,
    before: expect.stringMatching(/^sha256:/),
    changes: expect.arrayContaining([
      expect.objectContaining({ kind: "variable", field: "most", rules: ["few"], before: "5", after: "9" }),
    ]),
  });
});

test("a policy that cannot be used is not compared", async () => {
  expect(await diff(before, "version: 1\nrules: nothing\n")).toMatchObject({
    code: exitCodes.usage,
    out: "",
    err: expect.stringContaining("policy.yaml:2:8: "),
  });
});
