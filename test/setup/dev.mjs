// `pnpm dev`: rebuilds the console and restarts `countersign up` whenever a source changes. Arguments go to `countersign up`.
import { spawn } from "node:child_process";
import { environment, root, setUp } from "./toolchain.mjs";

setUp();
const options = { cwd: root, env: environment(), stdio: "inherit" };
const console_ = spawn("pnpm", ["--filter", "@countersign/console", "exec", "vite", "build", "--watch"], options);
const up = spawn(
  "node",
  ["--watch", "--conditions=source", "--no-warnings", "packages/cli/src/main.ts", "up", ...process.argv.slice(2)],
  options,
);
const stop = () => {
  console_.kill();
  up.kill();
};
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
up.on("exit", (code) => {
  console_.kill();
  process.exitCode = code ?? 0;
});
