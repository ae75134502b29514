// `npm run soak -- [--cycles 5000] [--seed N]`: kills Countersign over and over under load, and holds what comes back against what was acknowledged.
import { requireSystem } from "./system.mjs";
import { must, run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
// `countersign audit verify` judges the log at the end.
must("Building", "turbo", ["run", "build", "--output-logs=errors-only"]);
process.exitCode = run("node", ["--conditions=source", "--no-warnings", "test/faults/soak/main.ts", ...process.argv.slice(2)]);
