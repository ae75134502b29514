import type { Outcome } from "@countersign/policy";
import { expect, test } from "vitest";
import { GuardedShell } from "./guarded-shell.ts";
import type { LineWatcher } from "./line-runner.ts";
import type { Given, LineSource } from "./line-source.ts";

/** A shell that is given lines, on a target that says what it is told to. */
function world(given: readonly (string | Given)[], answers: Readonly<Record<string, string | number>> = {}) {
  const said: string[] = [];
  const ran: string[] = [];
  const left = [...given];
  const source: LineSource = {
    next: async () => {
      const next = left.shift() ?? { type: "ended" };
      return typeof next === "string" ? { type: "line", text: next } : next;
    },
    resize: () => {},
    close: () => left.splice(0),
  };
  const terminal = {
    isPty: false,
    say: (text: string) => void said.push(text),
    output: async (data: Uint8Array) => void said.push(Buffer.from(data).toString()),
    settle: () => {},
  };
  const run = async (command: string, watcher: LineWatcher) => {
    ran.push(command);
    const answer = answers[command] ?? "";
    if (typeof answer === "string") await watcher.output(Buffer.from(answer), "stdout");
    const code = typeof answer === "string" ? 0 : answer;
    const outcome: Outcome = { state: "succeeded", rows: 0, bytes: 0, durationMs: 0, exit: { code } };
    return { ended: { requestId: "", state: "succeeded" as const }, outcome };
  };
  const history: string[] = [];
  const shell = new GuardedShell({ name: "web-1", terminal, source, history, run });
  return { shell, said, ran, history };
}

test("directory and variables go with every line, in front of it, quoted", async () => {
  const { shell, ran } = world(
    ["ls", 'cd "it\'s"', "export TZ=UTC LANG='C'", "ls; df", "cd ..", "cd -", "unset TZ LANG", "ls", "cd", "ls"],
    {
      "cd './it'\\''s' && pwd -P": "/srv/it's\n",
      "cd '/srv/it'\\''s/..' && pwd -P": "/srv\n",
      "cd '/srv/it'\\''s' && pwd -P": "/srv/it's\n",
    },
  );
  await shell.run();
  expect(ran).toEqual([
    "ls",
    "cd './it'\\''s' && pwd -P",
    "cd '/srv/it'\\''s' && export TZ='UTC' LANG='C' && {\nls; df\n}",
    "cd '/srv/it'\\''s/..' && pwd -P",
    "cd '/srv/it'\\''s' && pwd -P",
    "cd '/srv/it'\\''s' && ls",
    "ls",
  ]);
});

test("it goes only where the target has named one plain directory", async () => {
  const answers = {
    "cd './a' && pwd -P": "hello\n/a\n",
    "cd './b' && pwd -P": "/b\u001b[2J\n",
    "cd './c' && pwd -P": 2,
    "cd './d' && pwd -P": "x".repeat(9000),
  };
  const { shell, said, ran } = world(["cd a", "cd b", "cd c", "cd d", "cd -", "ls"], answers);
  expect(await shell.run()).toBe(0);
  expect(ran.at(-1)).toBe("ls");
  expect(said.filter((line) => line.startsWith("⊘ The target did not name"))).toHaveLength(3);
  expect(said).toContain("✗ cd ran, exit status 2");
  expect(said).toContain("⊘ There was no directory before this one.");
});

test("the exit status is kept, told and handed on", async () => {
  const { shell, said, ran } = world(["false", "echo $?", "false", "exit"], { false: 1 });
  expect(await shell.run()).toBe(1);
  expect(said).toContain("1\n");
  expect(ran).toEqual(["false", "false"]);
});

test("what is pasted runs only after a yes; what does not end never does", async () => {
  const pasted: Given = { type: "pasted", text: "ls\nrm x" };
  const { shell, said, ran } = world([pasted, "no", pasted, { type: "interrupted" }, pasted, "y", "echo 'a", "b'", "echo 'c"]);
  await shell.run();
  expect(ran).toEqual(["ls\nrm x", "echo 'a\nb'"]);
  expect(said).toContain("  | ls\n  | rm x");
  expect(said.at(-1)).toContain("does not end");
});

test("a pasted text cannot bring its own yes", async () => {
  const { shell, ran } = world([
    { type: "pasted", text: "ls\nrm x" },
    { type: "pasted", text: "y\ny" },
  ]);
  await shell.run();
  expect(ran).toEqual([]);
});
