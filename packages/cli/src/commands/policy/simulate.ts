import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Change, Policy, SimulationReport } from "@countersign/policy";
import { Option } from "commander";
import type { Config } from "../../config/load.ts";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { configFile, dataFolder, type InstanceOptions } from "../../instance.ts";
import type { Period, Recorded } from "../../recorded-actions.ts";
import { interruptible } from "../../terminal/interrupt.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand, parseDuration, withInstance } from "../command.ts";

interface SimulateOptions extends InstanceOptions {
  readonly draft: readonly string[];
  readonly since: string;
  readonly until?: string;
  readonly failOn?: readonly string[];
  readonly json?: true;
}

/** What could not be replayed, and why. */
export interface NotReplayed {
  readonly erased: number;
  readonly unreadable: number;
  readonly "not-kept": number;
  /** Refused for what no rule says. */
  readonly undecided: number;
  /** By the resource that is not configured any more. */
  readonly notConfigured: Readonly<Record<string, number>>;
}

/** A draft held against a part of the log. */
export interface Simulated {
  readonly period: Period;
  readonly draft: Policy;
  readonly report: SimulationReport;
  readonly notReplayed: NotReplayed;
}

/** Of `--fail-on`: every change there is. The policy package itself is not loaded for a help text. */
const failOn = Object.keys({
  "newly-runs": true,
  "newly-approvable": true,
  looser: true,
  different: true,
  stricter: true,
  "newly-waits": true,
  "newly-refused": true,
} satisfies Readonly<Record<Change, true>>);

/** `countersign policy simulate` */
export const simulateCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "simulate",
      "replay what agents did against a draft",
      "Reads the recorded actions of a period from the audit log, classifies each again, decides it by the draft, and says which would newly run, " +
        "wait or be refused. Nothing is run; `countersign up` may go on meanwhile. Labels, roles and resources are those of the configuration as it is now.",
      [
        ["countersign policy simulate --draft draft.yaml"],
        [
          "countersign policy simulate --draft policies/ --since 30d --fail-on newly-runs",
          "status 1 when anything would newly run without a person",
        ],
        ["countersign policy simulate --draft draft.yaml --since 2026-07-01T00:00:00Z --until 2026-08-01T00:00:00Z --json"],
      ],
    )
      .requiredOption("--draft <PATH>", "the draft: a file, a folder or a bundle; repeat it for several files", collect)
      .option("--since <TIME>", "from when on: a moment (2026-01-31T12:00:00Z) or so long ago (7d)", "7d")
      .option("--until <TIME>", "until when, likewise (default: now)")
      .addOption(new Option("--fail-on <CHANGE...>", "end with status 1 when an action would change so").choices(failOn))
      .option("--json", "the report as JSON"),
  ).action(action(context, (options: SimulateOptions) => simulate(context.terminal, options)));

async function simulate(terminal: Terminal, options: SimulateOptions): Promise<ExitCode> {
  const [{ printJson, printReport }, { loadConfig }] = await Promise.all([
    import("./simulate-report.ts"),
    import("../../config/load.ts"),
  ]);
  const nowMs = terminal.now();
  const period = {
    sinceMs: moment("--since", options.since, nowMs),
    untilMs: options.until === undefined ? nowMs : moment("--until", options.until, nowMs),
  };
  const config = await loadConfig(configFile(terminal, options));
  const draft = await load(terminal, options.draft);
  const simulated = await interruptible((signal) =>
    replay(terminal, dataFolder(terminal, options), config, draft, period, signal),
  );
  if (options.json) printJson(terminal, simulated);
  else printReport(terminal, simulated);
  const { groups, ungrouped } = simulated.report;
  const failed = options.failOn?.some((change) => groups.some((group) => group.change === change) || change in ungrouped);
  return failed ? exitCodes.failure : exitCodes.ok;
}

async function load(terminal: Terminal, paths: readonly string[]): Promise<Policy> {
  const [{ loadPolicyFiles }, { policyFiles }] = await Promise.all([
    import("../../config/policy.ts"),
    import("./folder-files.ts"),
  ]);
  const files = await Promise.all(paths.map((path) => policyFiles(resolve(terminal.cwd, path))));
  return await loadPolicyFiles(files.flat());
}

/** Records between two looks at whether Ctrl-C was pressed: reading and deciding do not wait for anything. */
const stride = 200;

async function replay(
  terminal: Terminal,
  folder: string,
  config: Config,
  draft: Policy,
  period: Period,
  signal: AbortSignal,
): Promise<Simulated> {
  const [{ Simulation }, { readRecordedActions }, { showProgress }] = await Promise.all([
    import("@countersign/policy"),
    import("../../recorded-actions.ts"),
    import("../../terminal/progress.ts"),
  ]);
  const simulation = new Simulation(draft);
  const left = new Left();
  const progress = showProgress(terminal, "replayed");
  let records = 0;
  try {
    for await (const recorded of readRecordedActions(folder, config, period)) {
      progress.count(++records);
      if (records % stride === 0) await nextTurn();
      if (signal.aborted)
        throw new CliError(exitCodes.interrupted, `Interrupted after ${records} records; nothing is said about them.`);
      if (recorded.kind === "action") simulation.add(recorded.action);
      else left.count(recorded);
    }
  } finally {
    progress.end();
  }
  return { period, draft, report: simulation.report(), notReplayed: left };
}

/** Counts what is left out. */
class Left implements NotReplayed {
  erased = 0;
  unreadable = 0;
  "not-kept" = 0;
  undecided = 0;
  readonly notConfigured: Record<string, number> = Object.create(null);

  count(recorded: Exclude<Recorded, { kind: "action" }>): void {
    if (recorded.kind === "not-configured") {
      this.notConfigured[recorded.resource] = (this.notConfigured[recorded.resource] ?? 0) + 1;
    } else if (recorded.kind !== "other") this[recorded.kind]++;
  }
}

/** RFC 3339: with a time zone, so that the same command line means the same moment everywhere. */
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** @throws {CliError} usage. */
function moment(option: string, text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?[a-z]+$/.test(text)) return nowMs - parseDuration(option, text);
  const time = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new CliError(
    exitCodes.usage,
    `${option} ${JSON.stringify(text)} is no time; write a moment like 2026-01-31T12:00:00Z, or 7d for seven days ago.`,
  );
}
