import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { mutants } from "./mutants.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs the model check as a program of its own: it takes the place of time, chance and pauses in its process. */
async function check(...options: string[]): Promise<{ readonly broken: boolean; readonly output: string }> {
  const run = promisify(execFile)(process.execPath, ["--conditions=source", "--no-warnings", main, ...options]);
  const { stdout, stderr, code } = await run.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  if (code !== 0 && !stdout.includes("BROKEN: ")) throw new Error(`${stdout}${stderr}`);
  return { broken: code !== 0, output: stdout };
}

describe.concurrent("every order in which things can happen", () => {
  test("within the bounds of the scenarios breaks no invariant", async () => {
    const { broken, output } = await check();
    console.log(output);
    expect(broken).toBe(false);
    const [, states = "0", transitions = "0"] = /^In all (\d+) states and (\d+) transitions/m.exec(output) ?? [];
    // An exploration that has lost its way would find nothing wrong either.
    expect(Number(states)).toBeGreaterThan(20_000);
    expect(Number(transitions)).toBeGreaterThan(30_000);
  });

  test.each(mutants)("shows what is wrong with $name: $breaks", async ({ name }) => {
    const { broken, output } = await check("--mutant", name);
    console.log(`${name}\n${output}`);
    expect(broken).toBe(true);
    expect(output).toMatch(/^ {2}1\. /m);
  });
});
