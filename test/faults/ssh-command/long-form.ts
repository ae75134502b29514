import { spawnSync } from "node:child_process";
import { Random } from "../../harness/random.ts";
import { fuzzCommands } from "./command-fuzz.ts";

/**
 * Half of the time lines are classified and decided about; in the other half real shells run what was understood, and must start what was found.
 *
 * @throws {Error} when something is wrong, with the seed that shows it again.
 */
export function fuzzCommandsLong(from: number, minutes: number): void {
  const halfMs = (minutes * 60_000) / 2;
  let seed = from;
  let [lines, clear] = [0, 0];
  for (const until = Date.now() + halfMs; Date.now() < until; seed++) {
    const fuzzed = fuzzCommands(new Random(seed), 5000);
    lines += fuzzed.lines;
    clear += fuzzed.clear;
  }
  process.stdout.write(`ssh-command: ${lines} lines classified, ${clear} of them understood\n`);
  for (const until = Date.now() + halfMs; Date.now() < until; seed++) {
    const env = { ...process.env, SHELL_LINES: "500", SHELL_SEED: String(seed) };
    const args = ["run", "--config", "test/vitest.config.ts", "test/conformance/shell-facts"];
    const { status } = spawnSync("vitest", args, { env, stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) throw new Error(`shells differ from the facts with SHELL_SEED=${seed}`);
  }
}
