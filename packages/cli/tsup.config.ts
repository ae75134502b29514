import { cpSync, existsSync } from "node:fs";
import { defineConfig } from "tsup";

export default defineConfig({
  entry: { main: "src/main.ts", index: "src/index.ts" },
  format: "esm",
  target: "node24",
  platform: "node",
  // Commands are imported when they run; shared code goes into chunks.
  splitting: true,
  sourcemap: true,
  clean: true,
  // The workspace's packages are not all published with their sources: one package holds all that `npx countersign` needs.
  noExternal: [/^@countersign\//],
  // Native code and WASM, which find their files beside themselves.
  external: ["better-sqlite3", "libpg-query"],
  esbuildOptions(options) {
    options.conditions = ["source"];
  },
  async onSuccess() {
    if (!existsSync("../console/dist"))
      throw new Error("Build @countersign/console first: the console's files are part of this package.");
    cpSync("../console/dist", "dist/console", { recursive: true });
  },
});
