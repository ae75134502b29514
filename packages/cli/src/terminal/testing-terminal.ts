import { PassThrough } from "node:stream";
import type { Terminal } from "./terminal.ts";

/** A terminal for tests: what is written to it is kept, what is typed on it comes from the test. */
export interface TestingTerminal extends Terminal {
  readonly stdin: PassThrough & { isTTY?: boolean };
  readonly out: () => string;
  readonly err: () => string;
}

/** @param options.typed makes standard input a terminal on which this was typed. */
export function testingTerminal(
  options: { readonly env?: Terminal["env"]; readonly cwd?: string; readonly typed?: string } = {},
): TestingTerminal {
  const stdin: TestingTerminal["stdin"] = new PassThrough();
  if (options.typed !== undefined) {
    stdin.isTTY = true;
    stdin.write(options.typed);
  } else stdin.end();
  const written = { out: "", err: "" };
  const stdout = new PassThrough().on("data", (chunk) => (written.out += String(chunk)));
  const stderr = new PassThrough().on("data", (chunk) => (written.err += String(chunk)));
  return {
    env: options.env ?? {},
    cwd: options.cwd ?? "/",
    now: Date.now,
    ...{ stdin, stdout, stderr },
    out: () => written.out,
    err: () => written.err,
  };
}
