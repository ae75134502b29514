import { isAbsolute, relative } from "node:path";
import type { Policy, PolicyReading, Problem, Surroundings } from "@countersign/policy";
import type { Config } from "../../config/load.ts";
import { type ExitCode, exitCodes } from "../../exit.ts";
import { visible } from "../../terminal/escape.ts";
import { countText } from "../../terminal/quantity.ts";
import { line, paint, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";

interface CheckOptions {
  readonly config?: string;
  readonly json?: true;
}

/** `countersign policy check` */
export const checkCommand: MakeCommand = (context) =>
  describe(
    "check [FILE...]",
    "say whether policy files are right",
    "Checks policy files (default: those of the configuration) and prints every mistake as file:line:column: message. Warns of rules that never\n" +
      "decide, and with a configuration of resources, roles and approvers that are named and not there. Ends with status 2 when there is a mistake.",
    [["countersign policy check"], ["countersign policy check policy.yaml teams/", "a file, and all in a folder"]],
  )
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no FILE is given)")
    .option("--json", "problems and warnings as JSON")
    .action(action(context, (files: readonly string[], options: CheckOptions) => check(context.terminal, files, options)));

/** What a check found. */
interface Findings {
  readonly files: number;
  readonly rules: number;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

async function check(terminal: Terminal, files: readonly string[], options: CheckOptions): Promise<ExitCode> {
  const { policySource } = await import("./policy-files.ts");
  const { read, config } = await policySource(terminal, { ...options, ...(files.length > 0 && { policy: files }) });
  const findings = await findingsOf(await read(), config);
  const shown = (problem: Problem): Problem => ({ ...problem, file: shownPath(terminal, problem.file) });
  const { problems, warnings } = { problems: findings.problems.map(shown), warnings: findings.warnings.map(shown) };
  const ok = problems.length === 0;
  if (options.json) line(terminal.stdout, JSON.stringify({ ok, ...findings, problems, warnings }, null, 2));
  else print(terminal, { ...findings, problems, warnings });
  return ok ? exitCodes.ok : exitCodes.usage;
}

async function findingsOf(reading: PolicyReading, config: Config | undefined): Promise<Findings> {
  const { loadToLookAt, PolicyError, policyWarnings, unenforced } = await import("@countersign/policy");
  const files = Object.keys(reading.files).length;
  let policy: Policy;
  try {
    policy = await loadToLookAt(reading);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { files, rules: 0, problems: error.problems, warnings: reading.warnings };
  }
  const { refused, warnings } = unenforced(policy);
  const placed = (problem: Problem): Problem => ({ ...problem, file: reading.locate(problem.file) });
  const doubtful = policyWarnings(policy, config && surroundingsOf(config));
  return {
    ...{ files, rules: policy.rules.length },
    problems: refused.map(placed),
    warnings: [...reading.warnings, ...[...warnings, ...doubtful].map(placed)],
  };
}

function surroundingsOf({ settings: { resources, approvers } }: Config): Surroundings {
  return {
    resources: resources.map(({ name, type, labels, roles }) => ({ name, type, labels, roles: Object.keys(roles) })),
    approvers,
  };
}

/** As short as it can be found from here. */
function shownPath({ cwd }: Terminal, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith("..") || isAbsolute(path) || !isAbsolute(file) ? file : path;
}

function print({ stdout }: Terminal, { files, rules, problems, warnings }: Findings): void {
  const place = ({ file, line: row, column }: Problem): string => `${visible(file)}:${row}:${column}:`;
  for (const one of problems) line(stdout, `${place(one)} ${visible(one.message)}`);
  for (const one of warnings) line(stdout, `${place(one)} ${paint(stdout, "yellow", "warning:")} ${visible(one.message)}`);
  const counted = countText(warnings.length, "warning");
  if (problems.length > 0) line(stdout, `${countText(problems.length, "problem")}, ${counted}`);
  else {
    const ok = `${countText(rules, "rule")} in ${countText(files, "file")}: ok`;
    line(stdout, warnings.length === 0 ? ok : `${ok}, ${counted}`);
  }
}
