// `npm start`: sets everything up and runs the demo. `npm start -- --hands-free` approves by itself and ends.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environment, must, root, setUp } from "./toolchain.mjs";

setUp();
if (!existsSync(join(root, "packages/console/dist/index.html"))) {
  must("Building the console", "pnpm", ["--filter", "@countersign/console", "run", "build"], { env: { CI: "true" } });
}

const demo = spawn("node", ["--conditions=source", "--no-warnings", "examples/quick-start/main.ts", ...process.argv.slice(2)], {
  cwd: root,
  env: environment(),
  stdio: "inherit",
});
// Ctrl-C reaches the whole process group; the demo cleans up and this waits for it.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && demo.kill(signal));
demo.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 130;
});
