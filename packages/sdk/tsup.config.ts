import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", "langchain/index": "src/langchain/index.ts" },
  format: "esm",
  target: "node22",
  platform: "node",
  // Both entries share the client's classes: `instanceof CountersignError` holds across them.
  splitting: true,
  sourcemap: true,
  clean: true,
});
