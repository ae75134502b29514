import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes } from "../../exit.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-check-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

async function check(...argv: string[]) {
  const terminal = testingTerminal({ cwd: folder });
  return { code: await run(["policy", "check", ...argv], terminal), out: terminal.out(), err: terminal.err() };
}

const good = "version: 1\nrules:\n  - { id: a, effect: deny, when: sql.ddl }\n";

test("what is right is counted", async () => {
  await file("policy.yaml", good);
  await file("more/b.yaml", good.replace("id: a", "id: b"));
  expect(await check("policy.yaml", "more")).toEqual({ code: exitCodes.ok, out: "2 rules in 2 files: ok\n", err: "" });
});

test("every mistake of every file, as compilers tell them", async () => {
  await file("a.yaml", good.replace("sql.ddl", "sql.dll").replace("deny", "forbid"));
  await file("b.yaml", "version: 1\nrules:\n  - id: b\n    efect: deny\n");
  const { code, out } = await check("a.yaml", "b.yaml");
  expect(code).toBe(exitCodes.usage);
  expect(out).toContain('b.yaml:4:5: unknown key "efect"; did you mean "effect"?\n');
  expect(out).toMatch(/^a\.yaml:3:\d+: found the text "forbid", expected/m);
  expect(out).toMatch(/\n\d problems, 0 warnings\n$/);
});

test("what would be weaker than it says is a mistake; what is stricter, or never decides, a warning", async () => {
  const approval = (more: string): string => `effect: review, approval: { stages: [{ approvers: [user:a]${more} }] }`;
  await file(
    "policy.yaml",
    `version: 1\nrules:\n  - { id: a, effect: allow, when: sql.ddl }\n  - { id: b, ${approval("")}, when: sql.ddl || sql.writes }\n`,
  );
  expect(await check("policy.yaml")).toMatchObject({
    code: exitCodes.ok,
    out: "policy.yaml:3:11: warning: the rule a (allow) never decides: wherever it matches, b (review) at policy.yaml:4 matches too\n2 rules in 1 file: ok, 1 warning\n",
  });
});

const config = `version: 1
approvers: [{ name: alice, groups: [dba] }]
policy: rules/policy.yaml
resources:
  - { name: orders-db, type: postgres, address: "127.0.0.1:1", database: o, tls: disable, roles: { reader: { user: r, password: { env: R } } } }
`;
const doubtful = `version: 1
rules:
  - id: a
    resources: [order-db]
    effect: review
    role: reader
    approval: { stages: [{ approvers: [group:dbas] }] }
`;

test("with a configuration, also what is named and not there", async () => {
  await file("countersign.yaml", config);
  await file("rules/policy.yaml", doubtful);
  const expected = [
    'rules/policy.yaml:4:17: warning: no configured resource matches order-db; did you mean "orders-db"?',
    "rules/policy.yaml:7:40: warning: nobody is in group:dbas",
    "1 rule in 1 file: ok, 2 warnings\n",
  ].join("\n");
  expect(await check()).toMatchObject({ code: exitCodes.ok, out: expected });
  expect((await check("rules/policy.yaml")).out).toBe("1 rule in 1 file: ok\n");
  expect((await check("rules/policy.yaml", "--config", "countersign.yaml")).out).toBe(expected);
});

test("as JSON", async () => {
  await file("countersign.yaml", config);
  await file("rules/policy.yaml", doubtful);
  expect(JSON.parse((await check("--json")).out)).toMatchObject({
    ok: true,
    rules: 1,
    files: 1,
    problems: [],
    warnings: [{ file: "rules/policy.yaml", line: 4, column: 17 }, { line: 7 }],
  });
  await file("rules/policy.yaml", `${doubtful}    nonsense: 1\n`);
  const { code, out } = await check("--json");
  expect(code).toBe(exitCodes.usage);
  expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ line: 8, message: expect.stringContaining("nonsense") }] });
});

test("nothing to check is wrong usage", async () => {
  expect(await check()).toMatchObject({ code: exitCodes.usage, out: "", err: expect.stringContaining("No policy is named") });
  expect(await check("none.yaml")).toMatchObject({ code: exitCodes.usage, err: expect.stringContaining("none.yaml") });
  await file("countersign.yaml", config);
  expect(await check()).toMatchObject({
    code: exitCodes.usage,
    out: expect.stringMatching(/^rules\/policy\.yaml:1:1: .*cannot be read/),
  });
});
