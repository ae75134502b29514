import { defineConfig } from "vitest/config";

const root = new URL("..", import.meta.url).pathname;

/** One project for each kind of test, on all cores; what ends processes, or looks at how long something takes, runs alone, so that it is not disturbed. */
function project(name: string, include: string[], options: { testTimeout?: number; fileParallelism?: boolean } = {}) {
  return {
    // Tests run the sources, not the bundles.
    resolve: { conditions: ["source"] },
    ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
    test: {
      name,
      root,
      include,
      exclude: ["**/node_modules/**", "**/dist/**"],
      testTimeout: 20_000,
      hookTimeout: 60_000,
      // Vitest would leave one core free: on two, everything would run by itself.
      ...(options.fileParallelism !== false && { maxWorkers: "100%" }),
      ...options,
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project("unit", ["packages/*/src/**/*.test.{ts,tsx}", "examples/**/*.test.ts", "test/setup/**/*.test.mjs"]),
      project("model", ["test/model/**/*.test.ts"], { testTimeout: 400_000 }),
      project("conformance", ["test/conformance/**/*.test.ts"], { testTimeout: 60_000 }),
      project("scenarios", ["test/scenarios/**/*.test.ts"], { testTimeout: 90_000, fileParallelism: false }),
      project("faults", ["test/faults/**/*.test.ts"], { testTimeout: 180_000, fileParallelism: false }),
    ],
  },
});
