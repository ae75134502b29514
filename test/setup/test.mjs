// `npm test`: sets everything up, checks the code, runs every test, and ends with one line: `N passed, N failed, N skipped`.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireSystem } from "./system.mjs";
import { root, run, setUp } from "./toolchain.mjs";

/** What is checked before the tests; each counts as one test. */
const checks = [
  ["format and lint", "biome", ["ci", "."]],
  ["lint of the wire contract", "buf", ["lint", "proto"]],
  ["generated code is current", "node", ["test/setup/codegen-current.mjs"]],
  ["dependency direction and cycles", "node", ["test/setup/dependencies.mjs"]],
  ["dead code", "knip", ["--config", "test/setup/knip.json"]],
  ["build", "turbo", ["run", "build", "--output-logs=errors-only"]],
  ["types", "turbo", ["run", "typecheck", "--output-logs=errors-only"]],
];

setUp();
requireSystem();

const only = process.argv.slice(2);
const tally = { passed: 0, failed: 0, skipped: 0 };
const reasons = [];

if (only.length === 0) {
  for (const [name, command, args] of checks) {
    const began = Date.now();
    const status = run(command, args, { quiet: true, env: { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" } });
    process.stdout.write(`${status === 0 ? "ok" : "FAILED"}  ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
    if (status === 0) tally.passed++;
    else tally.failed++;
  }
}

const folder = mkdtempSync(join(tmpdir(), "countersign-test-"));
const report = join(folder, "report.json");
try {
  const args = [
    "run",
    "--config",
    "test/vitest.config.ts",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...only,
  ];
  const status = run("vitest", args);
  count(report, status);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (reasons.length > 0) process.stdout.write(`\nSkipped:\n${reasons.map((reason) => `  ${reason}\n`).join("")}`);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
process.exitCode = tally.failed > 0 ? 1 : 0;

function count(path, status) {
  let result;
  try {
    result = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    process.stdout.write("The test runner left no report.\n");
    tally.failed++;
    return;
  }
  let failedFiles = 0;
  for (const file of result.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === "passed") tally.passed++;
      else if (test.status === "failed") tally.failed++;
      else {
        tally.skipped++;
        // A skipped test says why in its name: `… (skipped: no second PostgreSQL)`.
        reasons.push(`${file.name.slice(root.length + 1)}: ${test.fullName}`);
      }
    }
    if (file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed")) failedFiles++;
  }
  tally.failed += failedFiles;
  // An error outside any test, e.g. an unhandled rejection.
  if (status !== 0 && tally.failed === 0) tally.failed++;
}
