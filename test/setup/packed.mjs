// `node test/setup/packed.mjs`: packs what is published, installs it into an empty project from what has been downloaded already, and runs it.
import { requireSystem } from "./system.mjs";
import { must, run, setUp } from "./toolchain.mjs";

setUp();
requireSystem();
must("Building", "turbo", ["run", "build", "--output-logs=errors-only"]);
process.exitCode = run("node", ["--conditions=source", "--no-warnings", "test/packed/main.ts"]);
