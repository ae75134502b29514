import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { classify, loadParser, loadPolicy, type Policy, readOperation, readTrials, runTrials } from "@countersign/policy";
import { beforeAll, describe, expect, test } from "vitest";
import { loadPolicyFiles } from "../../config/policy.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

const root = new URL("../../../../..", import.meta.url).pathname;
const policies = join(root, "examples/policies");

test("every rule of the starter policies decides at least one of their tests, and all of these pass", async () => {
  const terminal = testingTerminal({ cwd: root });
  const code = await run(["policy", "test", policies, "--min-coverage", "100", "--json"], terminal);
  const report = JSON.parse(terminal.out());
  const failed = report.policies.flatMap((one: { tests: { passed: boolean }[] }) => one.tests.filter(({ passed }) => !passed));
  expect({ failed, code }).toEqual({ failed: [], code: 0 });
  expect(report.policies).toHaveLength(5);
});

describe("the README", () => {
  const readme = readFileSync(join(policies, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = ""]) => block);

  test("its rules can be loaded", async () => {
    await loadParser();
    const rules = blocks.filter((block) => block.startsWith("- id:"));
    expect(rules.length).toBeGreaterThan(3);
    loadPolicy({ "readme.yaml": `version: 1\nrules:\n${rules.join("")}` });
  });

  test("its policy tests pass", async () => {
    const policy = await loadPolicyFiles([join(policies, "postgres.yaml")]);
    const tests = blocks.filter((block) => /^tests:/m.test(block)).map((block) => readTrials("README.md", block));
    expect(tests).toHaveLength(1);
    for (const { trials } of tests) for (const { differences } of runTrials(policy, trials)) expect(differences).toEqual([]);
  });
});

test("of ordinary diagnostic commands on a host most run at once, and next to none is refused", async () => {
  const policy = await loadPolicyFiles([join(policies, "ssh.yaml")]);
  const folder = join(root, "packages/policy/corpora/shell");
  const commands = readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line.trim() !== "" && !line.startsWith("# "));
  const counts = { allow: 0, review: 0, deny: 0 };
  for (const command of commands) {
    const facts = classify({ kind: "ssh.exec", command }, { searchPath: [] });
    const resource = { name: "web-1", type: "ssh", labels: {}, roles: ["viewer", "operator"] };
    const principal = { issuer: "unix", subject: "agent", groups: [], claims: {} };
    counts[policy.decide({ resource, principal, facts, reason: "because", nowMs: 0 }).effect]++;
  }
  expect(commands.length).toBeGreaterThan(400);
  expect(counts.allow / commands.length).toBeGreaterThan(0.6);
  expect(counts.deny / commands.length).toBeLessThan(0.05);
});

describe("what kubectl sends for ordinary reads", () => {
  let policy: Policy;
  beforeAll(async () => {
    policy = await loadPolicyFiles([join(policies, "kubernetes.yaml")]);
  });

  interface Sent {
    readonly command: string;
    readonly [field: string]: unknown;
  }

  function decide({ command: _, ...request }: Sent) {
    const facts = classify(readOperation("kubernetes", request), { searchPath: [] });
    const resource = { name: "shop", type: "kubernetes", labels: {}, roles: ["viewer", "editor", "admin"] };
    const principal = { issuer: "unix", subject: "agent", groups: [], claims: {} };
    return policy.decide({ resource, principal, facts, reason: "because", nowMs: 0 });
  }

  const sent: readonly Sent[] = readFileSync(join(root, "packages/policy/corpora/kubectl/reads.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const isSecret = ({ path }: Sent): boolean => /\/secrets(\/|\?|$)/.test(String(path));

  test("runs at once, but for secrets", () => {
    const ordinary = sent.filter((one) => !isSecret(one));
    const held = ordinary.filter((one) => decide(one).effect !== "allow").map(({ command, path }) => `${command}: ${path}`);
    expect(ordinary.length).toBeGreaterThan(200);
    expect(held).toEqual([]);
  });

  test("secrets are denied", () => {
    const secrets = sent.filter(isSecret);
    expect(secrets.length).toBeGreaterThan(0);
    for (const one of secrets) expect(decide(one), one.command).toMatchObject({ effect: "deny", rules: ["secrets"] });
  });
});
