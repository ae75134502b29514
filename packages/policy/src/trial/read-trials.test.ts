import { expect, test } from "vitest";
import { DocumentError } from "../problem.ts";
import { readTrials } from "./read-trials.ts";

function problems(text: string): readonly string[] {
  try {
    readTrials("a.policy-test.yaml", text);
  } catch (error) {
    if (error instanceof DocumentError) return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
    throw error;
  }
  return [];
}

test("a test takes what it does not say from the defaults, and the rest from what is usual", () => {
  const { trials, policy } = readTrials(
    "a.policy-test.yaml",
    `
version: 1
policy: orders.yaml
defaults:
  type: postgres
  resource: orders-db
  labels: { env: prod }
  roles: [reader]
  searchPath: [shop]
  principal: { subject: agent-1, groups: [b, a], claims: { level: 3 } }
  reason: because
  now: 2026-02-03T04:05:06+01:00
tests:
  - name: defaults
    operation: select 1
    expect: allow
  - name: own
    resource: other
    labels: {}
    roles: [writer]
    searchPath: [public]
    principal: { issuer: https://idp.example, claims: {} }
    reason: ""
    now: 2026-01-01T00:00:00Z
    operations: [select 2, { statement: "select $1", parameters: [3] }]
    expect: { effect: review, limits: { bytes: 10MB, time: 1m } }
`,
  );
  expect(policy).toEqual(["orders.yaml"]);
  expect(trials).toMatchObject([
    {
      name: "defaults",
      place: { file: "a.policy-test.yaml", line: 15, column: 16 },
      text: "select 1",
      resource: { name: "orders-db", type: "postgres", labels: { env: "prod" }, roles: ["reader"] },
      searchPath: ["shop"],
      principal: { issuer: "test", subject: "agent-1", groups: ["a", "b"], claims: { level: 3 } },
      reason: "because",
      nowMs: Date.UTC(2026, 1, 3, 3, 5, 6),
      expected: { effect: "allow" },
    },
    { resource: { name: "other", labels: {}, roles: ["writer"] }, text: "select 2", reason: "", nowMs: Date.UTC(2026, 0, 1) },
    {
      place: { line: 25 },
      operation: { parameters: [{ text: "3" }] },
      principal: { issuer: "https://idp.example", subject: "agent-1", groups: ["a", "b"], claims: {} },
      expected: { effect: "review", limits: { bytes: 10_000_000, time: 60_000 } },
    },
  ]);
});

test.each([
  ["tests: []", /^\d+:\d+ a file of tests holds at least one/],
  [
    "tests: [{ name: a, type: postgres, operation: select 1, expect: alow }]",
    /there is no effect "alow"; did you mean "allow"\?/,
  ],
  [
    "tests: [{ name: a, type: postgres, operation: select 1, expect: { effect: alow } }]",
    /found the text "alow".*did you mean "allow"\?/,
  ],
  [
    "tests: [{ name: a, type: postgres, operation: select 1, expect: { effect: allow, rule: [x] } }]",
    /unknown key "rule"; did you mean "rules"\?/,
  ],
  [
    "tests: [{ name: a, type: postgres, opertion: select 1, expect: allow }]",
    /unknown key "opertion"; did you mean "operation"\?/,
  ],
  ["tests: [{ name: a, operation: select 1, expect: allow }]", /"type" is missing here and in "defaults"/],
  ["tests: [{ name: a, type: postgres, expect: allow }]", /either an operation or a list of operations/],
  ["tests: [{ name: a, type: postgres, operation: x, operations: [y], expect: allow }]", /either an operation or a list/],
  ["tests: [{ name: a, type: postgres, operation: { statment: x }, expect: allow }]", /did you mean "statement"\?/],
  ["tests: [{ name: a, type: postgres, operation: 5, expect: allow }]", /expected an operation/],
  ["tests: [{ name: a, type: postgres, operation: x, now: yesterday, expect: allow }]", /expected a moment like/],
  ["tests: [{ name: a, type: postgres, operation: x, expect: { effect: allow, limits: { time: 5 minutes } } }]", /"5m"/],
])("a mistake is told with its place: %s", (line, expected) => {
  const [first, ...others] = problems(`version: 1\n${line}`);
  expect(first).toMatch(/^2:\d+ /);
  expect(first).toMatch(expected);
  expect(others).toEqual([]);
});
