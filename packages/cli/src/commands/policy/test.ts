import { dirname, resolve } from "node:path";
import type { Coverage, Policy, TrialResult } from "@countersign/policy";
import { InvalidArgumentError } from "commander";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { configFile } from "../../instance.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand } from "../command.ts";

interface TestOptions {
  readonly policy?: readonly string[];
  readonly config?: string;
  readonly minCoverage?: number;
  readonly json?: true;
}

/** How the tests of one file came out. */
interface TestedFile {
  readonly file: string;
  readonly results: readonly TrialResult[];
}

/** A policy with all of its tests. */
export interface TestedPolicy {
  /** The files that were named; absolute. */
  readonly paths: readonly string[];
  readonly policy: Policy;
  readonly files: readonly TestedFile[];
  readonly coverage: Coverage;
}

/** `countersign policy test` */
export const testCommand: MakeCommand = (context) =>
  describe(
    "test [PATH...]",
    "run policy tests",
    "Runs the tests in *.policy-test.yaml files: those named, those in the folders named, or those beside the configured policy. A file says " +
      "which policy it tests (policy: FILE); otherwise orders.policy-test.yaml tests orders.yaml or policy.yaml beside it. Ends with status 1 " +
      "when a test fails or too few rules decide one.",
    [
      ["countersign policy test"],
      ["countersign policy test policies/ --min-coverage 100", "every rule must decide at least one test"],
      ["countersign policy test --policy draft.yaml policies/orders.policy-test.yaml", "another policy than the file says"],
    ],
  )
    .option("--policy <FILE>", "the policy to test, whatever the files say; repeat it for several", collect)
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no PATH is given)")
    .option("--min-coverage <PERCENT>", "how many of a policy's rules must decide at least one test", percent)
    .option("--json", "the results as JSON")
    .action(action(context, (paths: readonly string[], options: TestOptions) => test(context.terminal, paths, options)));

async function test(terminal: Terminal, paths: readonly string[], options: TestOptions): Promise<ExitCode> {
  const { printJson, printReport } = await import("./test-report.ts");
  const files = await find(terminal, paths, options);
  const policies = await run(terminal, files, options);
  const minimum = options.minCoverage ?? 0;
  const passed = policies.every(
    ({ files: tested, coverage }) =>
      coverage.percent >= minimum && tested.every(({ results }) => results.every(({ differences }) => differences.length === 0)),
  );
  if (options.json) printJson(terminal, policies, passed);
  else printReport(terminal, policies, minimum);
  return passed ? exitCodes.ok : exitCodes.failure;
}

/** @throws {CliError} usage, when there are none: a wrong path must not look like success. */
async function find(terminal: Terminal, paths: readonly string[], options: TestOptions): Promise<readonly string[]> {
  const { testFiles } = await import("./folder-files.ts");
  const folders = paths.length > 0 ? paths.map((path) => resolve(terminal.cwd, path)) : [await policyFolder(terminal, options)];
  const files = (await Promise.all(folders.map(testFiles))).flat();
  if (files.length > 0) return [...new Set(files)];
  throw new CliError(
    exitCodes.usage,
    `There is no test in ${folders.join(", ")}: no file there ends in .policy-test.yaml. ` +
      "examples/policies in Countersign's repository shows how to write one.",
  );
}

/** Where the configured policy is, or here. */
async function policyFolder(terminal: Terminal, options: TestOptions): Promise<string> {
  const [{ existsSync }, { loadConfig }] = await Promise.all([import("node:fs"), import("../../config/load.ts")]);
  const file = configFile(terminal, options);
  if (options.config === undefined && !existsSync(file)) return terminal.cwd;
  const { settings, path } = await loadConfig(file);
  return dirname(path([settings.policy].flat()[0] ?? ""));
}

/** Tests of the same policy count together. */
async function run(terminal: Terminal, files: readonly string[], options: TestOptions): Promise<readonly TestedPolicy[]> {
  const [{ coverageOf, loadParser, readTrials, runTrials }, { loadPolicyFiles }, { readText }] = await Promise.all([
    import("@countersign/policy"),
    import("../../config/policy.ts"),
    import("../../named-file.ts"),
  ]);
  await loadParser();
  const byPolicy = new Map<string, { paths: readonly string[]; policy: Policy; files: TestedFile[] }>();
  const named = options.policy?.map((path) => resolve(terminal.cwd, path));
  for (const file of files) {
    const suite = readTrials(file, await readText(file, "the policy tests"));
    const paths = named ?? (await policyOf(file, suite.policy));
    const key = JSON.stringify(paths);
    const tested = byPolicy.get(key) ?? { paths, policy: await loadPolicyFiles(paths), files: [] };
    byPolicy.set(key, tested);
    tested.files.push({ file, results: runTrials(tested.policy, suite.trials) });
  }
  return [...byPolicy.values()].map((tested) => ({
    ...tested,
    coverage: coverageOf(
      tested.policy,
      tested.files.flatMap(({ results }) => results),
    ),
  }));
}

/** @throws {CliError} usage, when there is no policy beside the tests. */
async function policyOf(file: string, named: readonly string[] | undefined): Promise<readonly string[]> {
  const { existsSync } = await import("node:fs");
  const { policyFiles } = await import("./folder-files.ts");
  const folder = dirname(file);
  if (named) return (await Promise.all(named.map((path) => policyFiles(resolve(folder, path))))).flat();
  const beside = [file.replace(/\.policy-test(\.ya?ml)$/, "$1"), resolve(folder, "policy.yaml")];
  const found = beside.find((path) => path !== file && existsSync(path));
  if (found !== undefined) return [found];
  throw new CliError(
    exitCodes.usage,
    `${file} does not say which policy it tests, and there is neither ${beside.join(" nor ")}. Write \`policy: FILE\` into it.`,
  );
}

function percent(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError("Write a number from 0 to 100.");
}
