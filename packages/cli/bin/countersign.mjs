#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=80 --no-allocation-site-pretenuring --invocation-count-for-turbofan=1000 --expose-gc
// A sidecar lives beside other programs: the first two flags make V8 collect garbage sooner than take more memory, at little cost (measured). With
// half the young generation there are twice as many small collections, and what is on its way while one runs is kept for a large one, which holds
// everybody up. With more growth a long result and 10,000 held calls take more memory than they are worth.
// The next two keep what dies young from growing old. A stream of Node's makes a closure that V8 puts into the old part of its memory, with all that
// hangs on it (every call, every request), until its fastest compiler has seen the constructor: sooner is better. Meanwhile V8 concludes that these
// objects live long and goes on making them old. Together: a vote that left 7.5 KB for a large
// collection leaves 0.6.
// The collector is exposed so that the buffers of a long result can be collected as they go by (spent-buffers.ts in the sidecar); without that a long
// result is mostly time of the collector.
// Starts the program: the bundle when it is installed from a registry, the sources in a clone whose bundle is missing or stale.
// Plain JavaScript that any Node can parse, so that an old one can say what is wrong.
import { existsSync, readdirSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const home = join(dirname(fileURLToPath(import.meta.url)), "..");

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `countersign: Node.js 24 or newer is needed; this is ${process.version} (${process.execPath}).\n` +
      "  Install it from https://nodejs.org, or run through npm, which brings its own: npx -p node@24 -p countersign countersign …\n",
  );
  process.exit(2);
}

const bundle = join(home, "dist/main.js");
const source = join(home, "src/main.ts");

if (existsSync(source) && !isFresh(bundle)) {
  // The workspace's packages export their sources under this condition. A hook instead of a second process: one pid, so signals and
  // exit codes need no forwarding.
  nodeModule.registerHooks({
    resolve: (specifier, context, next) => next(specifier, { ...context, conditions: ["source", ...context.conditions] }),
  });
  await import(pathToFileURL(source).href);
} else {
  await import(pathToFileURL(bundle).href);
}

/** Whether the bundle is newer than every source file of the workspace. */
function isFresh(file) {
  if (!existsSync(file)) return false;
  const built = statSync(file).mtimeMs;
  const packages = join(home, "..");
  return readdirSync(packages).every((name) => {
    const folder = join(packages, name, "src");
    if (!existsSync(folder)) return true;
    return readdirSync(folder, { recursive: true }).every((entry) => statSync(join(folder, String(entry))).mtimeMs <= built);
  });
}
