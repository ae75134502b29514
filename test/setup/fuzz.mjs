// `npm run fuzz -- [codec|session|hold|shell|ssh-command] [--minutes 10] [--seed N]`: the PostgreSQL wire and the guarded
// shell against broken and unusual clients, the classifier of command lines against real shells, for as long as you like.
import { requireSystem } from "./system.mjs";
import { must, run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
must("Building", "turbo", ["run", "build", "--output-logs=errors-only"]);
process.exitCode = run("node", [
  "--conditions=source",
  "--no-warnings",
  "test/faults/postgres-wire/main.ts",
  ...process.argv.slice(2),
]);
