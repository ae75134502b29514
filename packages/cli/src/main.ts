import { setFlagsFromString } from "node:v8";
import { run } from "./run.ts";
import { processTerminal } from "./terminal/terminal.ts";

// V8's optimising compiler takes some 500 MB for a moment to compile PostgreSQL's parser (WASM), and gains little: what was parsed once is
// remembered. Set here and not on a command line, so that it holds however the program is started.
for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that went away (`| head`) is no failure.
  if (error.code === "EPIPE") process.exit(0);
  if (error.code !== "EIO") throw error;
});
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  // The terminal has gone: SIGHUP tells so too, and what runs ends in its own time.
  if (error.code !== "EIO") throw error;
});

process.exitCode = await run(process.argv.slice(2), processTerminal());
