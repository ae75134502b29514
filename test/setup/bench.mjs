// `npm run bench -- NAME… [--json FILE] [--long]`: measures Countersign beside doing the same thing directly, in one run.
import { parseArgs } from "node:util";
import { requireSystem } from "./system.mjs";
import { must, run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
// What is measured is what is shipped: the bundles.
must("Building", "turbo", ["run", "build", "--output-logs=errors-only"]);
const args = process.argv.slice(2);
const { positionals } = parseArgs({ args, strict: false, allowPositionals: true, options: { json: { type: "string" } } });
// The bench of votes counts single milliseconds from outside. As Node collects, the measuring process stops for 16 to 40 ms at times, which would be
// told of the server: it collects in small steps, and not all of its memory while it measures. What it compiles and collects beside that is done by
// one thread: Node's four would take both processors of a small machine from the server that is measured. Others move much data and run as Node is.
const aside = ["--max-semi-space-size=2", "--initial-old-space-size=1024", "--v8-pool-size=1"];
process.exitCode = run("node", [
  ...(positionals.join() === "approvals" ? aside : []),
  "--conditions=source",
  "--no-warnings",
  "test/bench/main.ts",
  ...args,
]);
