import { setFlagsFromString } from "node:v8";
import { run } from "./run.ts";
import { processTerminal } from "./terminal/terminal.ts";

// V8's optimising compiler takes some 500 MB for a moment to compile PostgreSQL's parser (WASM), and gains little: what was parsed once is
// remembered. Set here and not on a command line, so that it holds however the program is started.
for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);

// A reader that went away (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), processTerminal());
