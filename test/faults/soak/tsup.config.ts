import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The soak's process in one file: it starts in half the time, and it is started thousands of times. */
export default defineConfig({
  entry: [path("process.ts")],
  format: "esm",
  target: "node24",
  // Beside what the command depends on: native code and WASM find their files there.
  outDir: path("../../../packages/cli/node_modules/.soak"),
  clean: true,
  silent: true,
  noExternal: [/^(?!better-sqlite3|libpg-query|node:)/],
  external: ["better-sqlite3", "libpg-query"],
  banner: {
    js: 'import { createRequire as soakRequire } from "node:module"; const require = soakRequire(import.meta.url);',
  },
  esbuildOptions(options) {
    options.conditions = ["source"];
  },
});
