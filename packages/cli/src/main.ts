import { run } from "./run.ts";
import { processTerminal } from "./terminal/terminal.ts";

// A reader that went away (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), processTerminal());
