import { cpSync, existsSync } from "node:fs";
import { defineConfig } from "tsup";

export default defineConfig({
  // The sidecar starts its classification thread from the file beside the bundle.
  entry: { main: "src/main.ts", index: "src/index.ts", "classify-worker": "../sidecar/src/classify-worker.ts" },
  format: "esm",
  target: "node24",
  platform: "node",
  // Commands are imported when they run; shared code goes into chunks.
  splitting: true,
  sourcemap: true,
  clean: true,
  // One package holds all that `npx countersign` needs: the workspace's packages, and what only they depend on, are bundled. What this
  // package depends on is not: among it are native code and WASM, which find their files beside themselves.
  noExternal: [/^@countersign\//],
  // CommonJS inside the bundle asks for Node's own modules by `require`, and where it is by `__dirname`.
  banner: {
    js: 'import { createRequire as countersignRequire } from "node:module"; const require = countersignRequire(import.meta.url); const __dirname = import.meta.dirname;',
  },
  esbuildOptions(options) {
    options.conditions = ["source"];
    // V8 keeps the text of a program in memory, at two bytes a character where one is not Latin-1. Names stay: some libraries ask for them.
    options.charset = "ascii";
    options.minifyWhitespace = true;
    options.minifySyntax = true;
  },
  async onSuccess() {
    if (!existsSync("../console/dist"))
      throw new Error("Build @countersign/console first: the console's files are part of this package.");
    cpSync("../console/dist", "dist/console", { recursive: true });
  },
});
