import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes } from "../../exit.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-policy-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

async function policyTest(...args: readonly string[]) {
  const terminal = testingTerminal({ cwd: folder });
  const code = await run(["policy", "test", ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const policy = `version: 1
rules:
  - { id: reads, when: sql.readOnly, effect: allow, role: reader }
  - { id: never, when: '"DROP" in sql.kinds', effect: deny, message: Ask. }
`;

const tests = (expect: string, head = ""): string => `version: 1
${head}
defaults: { type: postgres }
tests:
  - { name: "reads\\e[31m run", operation: select 1, expect: ${expect} }
`;

test("passes, finds tests below the current folder, and says which rules decided none", async () => {
  write({ "a/orders.yaml": policy, "a/orders.policy-test.yaml": tests("allow"), "node_modules/x.policy-test.yaml": "broken" });
  const { code, out, err } = await policyTest();
  expect({ code, err }).toEqual({ code: exitCodes.ok, err: "" });
  expect(out).toBe("a/orders.yaml: 1 of 2, 50 % of rules decided a test\n  never matched: never\n1 test: 1 passed\n");
});

test("too little coverage is a failure, told as one", async () => {
  write({ "policy.yaml": policy, "x.policy-test.yaml": tests("allow") });
  expect(await policyTest("--min-coverage", "50")).toMatchObject({ code: exitCodes.ok });
  const { code, out } = await policyTest("--min-coverage", "50.1");
  expect(code).toBe(exitCodes.failure);
  expect(out).toContain("50 % of rules decided a test (at least 50.1 % are asked for)");
  expect(await policyTest("--min-coverage", "many")).toMatchObject({ code: exitCodes.usage });
});

test("a failure says what was expected, what came, where, and why; nothing of it acts on the terminal", async () => {
  write({ "policy.yaml": policy, "x.policy-test.yaml": tests("{ effect: deny, rules: [never], message: Ask }") });
  const { code, out } = await policyTest("x.policy-test.yaml");
  expect(code).toBe(exitCodes.failure);
  expect(out).not.toContain("\u001b");
  expect(out).toContain("FAIL  reads\\u{1b}[31m run\n      x.policy-test.yaml:5:43\n      select 1\n");
  expect(out).toContain("effect   expected deny\n               got      allow\n");
  expect(out).toContain("rules    expected never\n               got      reads\n");
  expect(out).toContain('never: "DROP" in sql.kinds is false');
  expect(out).toMatch(/1 test: 1 failed, 0 passed\n$/);
});

test("as JSON", async () => {
  write({ "policy.yaml": policy, "x.policy-test.yaml": tests("deny") });
  const { code, out } = await policyTest("--json");
  expect(code).toBe(exitCodes.failure);
  expect(JSON.parse(out)).toMatchObject({
    passed: false,
    policies: [
      {
        files: [join(folder, "policy.yaml")],
        coverage: { decided: ["reads"], unmatched: ["never"], percent: 50 },
        tests: [
          {
            ...{ line: 5, column: 43, passed: false, operation: { statement: "select 1" } },
            differences: [{ field: "effect", expected: "deny", got: "allow" }],
            decision: { effect: "allow", rules: ["reads"] },
          },
        ],
      },
    ],
  });
});

test("tests name their policy, files or folders; --policy puts another in its place", async () => {
  write({
    "rules/a.yaml": policy,
    "tests/x.policy-test.yaml": tests("allow", "policy: ../rules"),
    "draft.yaml": "version: 1\nrules: [{ id: all, effect: deny }]\n",
  });
  expect(await policyTest("tests")).toMatchObject({ code: exitCodes.ok });
  const { code, out } = await policyTest("tests", "--policy", "draft.yaml");
  expect(code).toBe(exitCodes.failure);
  expect(out).toContain("draft.yaml: 1 of 1, 100 % of rules decided a test");
});

test("the configured policy's folder is looked at", async () => {
  write({
    "etc/countersign.yaml": "version: 1\npolicy: rules/policy.yaml\n",
    "etc/rules/policy.yaml": policy,
    "etc/rules/policy.policy-test.yaml": tests("allow"),
  });
  expect(await policyTest("--config", "etc/countersign.yaml")).toMatchObject({
    code: exitCodes.ok,
    out: expect.stringContaining("1 passed"),
  });
});

test.each<[string, Readonly<Record<string, string>>, readonly string[], RegExp]>([
  ["there are no tests", { "policy.yaml": policy }, [], /no file there ends in \.policy-test\.yaml/],
  ["there is no such path", {}, ["nowhere"], /There is nothing at .*nowhere/],
  [
    "a file holds none",
    { "policy.yaml": policy, "x.policy-test.yaml": "version: 1\ntests: []\n" },
    [],
    /x\.policy-test\.yaml:2:8: /,
  ],
  ["no policy is beside them", { "x.policy-test.yaml": tests("allow") }, [], /does not say which policy it tests/],
  ["a test is mistaken", { "policy.yaml": policy, "x.policy-test.yaml": tests("alow") }, [], /did you mean "allow"/],
  ["the policy is", { "policy.yaml": "version: 2", "x.policy-test.yaml": tests("allow") }, [], /policy\.yaml:1:10: /],
])("nothing is run when %s", async (_, files, args, message) => {
  write(files);
  const { code, out, err } = await policyTest(...args);
  expect({ code, out }).toEqual({ code: exitCodes.usage, out: "" });
  expect(err).toMatch(message);
});
