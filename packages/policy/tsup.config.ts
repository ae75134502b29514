import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/operation.ts"],
  format: "esm",
  target: "node22",
  platform: "node",
  sourcemap: true,
  clean: true,
});
