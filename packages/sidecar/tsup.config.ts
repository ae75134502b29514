import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/classify-worker.ts"],
  format: "esm",
  target: "node24",
  sourcemap: true,
  clean: true,
});
