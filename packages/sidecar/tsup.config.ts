import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/classify-worker.ts"],
  format: "esm",
  target: "node24",
  platform: "node",
  sourcemap: true,
  clean: true,
  // A patched dependency does not reach those who install from a registry: it is part of the bundle (src/protocols/ssh/README.md).
  noExternal: ["ssh2"],
  // CommonJS inside the bundle asks for Node's own modules by `require`, and where it is by `__dirname`.
  banner: {
    js: 'import { createRequire as countersignRequire } from "node:module"; const require = countersignRequire(import.meta.url); const __dirname = import.meta.dirname;',
  },
});
