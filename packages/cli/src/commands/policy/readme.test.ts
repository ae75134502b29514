import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
const starter = fileURLToPath(new URL("../../../../../examples/policies/postgres.yaml", import.meta.url));

test("the README's operations are ones, and an answer has what the README says", async () => {
  const lines = /^```jsonl\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? "";
  const terminal = { ...testingTerminal({ cwd: tmpdir() }), stdin: Readable.from([Buffer.from(lines)]) };
  await run(["policy", "explain", "--policy", starter, "--type", "postgres", "--batch"], terminal);
  const answers: Record<string, unknown>[] = terminal
    .out()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers.map(({ id }) => id)).toEqual([undefined, 1, 2, 3, 4, 5, 6, 7]);
  const [, table = ""] = readme.split("| in an answer");
  for (const one of answers) {
    expect(one).not.toHaveProperty("error");
    for (const key of Object.keys(one)) expect(table).toContain(`\`${key}\``);
  }
});
