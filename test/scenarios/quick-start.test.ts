import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const main = ["--conditions=source", "--no-warnings", "examples/quick-start/main.ts"];
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NO_COLOR: "1" };

/** Processes and folders of a demo that are still there. */
function leftBehind(before: readonly string[]): string[] {
  const folders = readdirSync(tmpdir()).filter((name) => /^cs-(?!browser)/.test(name) && !before.includes(name));
  const processes = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => folders.some((folder) => line.includes(folder)));
  return [...folders, ...processes];
}

test("the demo, hands-free: everything holds, exit code 0, nothing is left behind", () => {
  const before = readdirSync(tmpdir());
  const { status, stdout, stderr } = spawnSync(process.execPath, [...main, "--hands-free"], {
    cwd: root,
    env,
    encoding: "utf8",
    timeout: 80_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/select|reads-are-free/);
  expect(stdout).toContain("npx countersign approve req_");
  expect(stdout).toContain("Duplicate orders left in the database: 0");
  expect(stdout.match(/Receipt: record \d+/g)).toHaveLength(2);
  expect(stdout).toMatch(/audit log is intact/i);
  expect(leftBehind(before)).toEqual([]);
});

test("Ctrl-C while the delete waits ends the demo and leaves nothing behind", async () => {
  const before = readdirSync(tmpdir());
  const demo = spawn(process.execPath, main, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  for await (const line of createInterface({ input: demo.stdout })) if (line.includes("npx countersign approve")) break;
  // To the whole group, as a terminal does.
  process.kill(-(demo.pid ?? 0), "SIGINT");
  const code = await new Promise((resolve) => demo.once("exit", resolve));
  expect(code).toBe(130);
  expect(leftBehind(before)).toEqual([]);
});
