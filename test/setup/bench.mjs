// `npm run bench -- NAME… [--json FILE] [--long]`: measures Countersign beside doing the same thing directly, in one run.
import { requireSystem } from "./system.mjs";
import { must, run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
// What is measured is what is shipped: the bundles.
must("Building", "turbo", ["run", "build", "--output-logs=errors-only"]);
process.exitCode = run("node", ["--conditions=source", "--no-warnings", "test/bench/main.ts", ...process.argv.slice(2)]);
