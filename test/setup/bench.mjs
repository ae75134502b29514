// `npm run bench -- NAME… [--json FILE] [--long]`: measures Countersign beside doing the same thing directly, in one run.
import { requireSystem } from "./system.mjs";
import { run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
process.exitCode = run("node", ["--conditions=source", "--no-warnings", "test/bench/main.ts", ...process.argv.slice(2)]);
