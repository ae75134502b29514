import { resolve } from "node:path";
import type { VerifyReport } from "@countersign/audit";
import { type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, type InstanceOptions } from "../instance.ts";
import { visible } from "../terminal/escape.ts";
import { showProgress } from "../terminal/progress.ts";
import { countText } from "../terminal/quantity.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "./command.ts";

interface VerifyOptions extends InstanceOptions {
  readonly export?: string;
  readonly publicKey?: string;
  readonly knownCheckpoint?: string;
  readonly json?: true;
}

/** So many doubts are named. */
const mostDoubts = 20;

/** `countersign audit` */
export const auditCommand: MakeCommand = (context) => {
  const { terminal } = context;
  const parent = describe(
    "audit",
    "verify and export the audit log",
    "The audit log: what was asked, what was decided, who agreed, what ran.",
  );
  parent.addCommand(
    withInstance(
      describe(
        "verify",
        "check every record, proof and signature",
        "Checks the whole log, offline; `countersign up` may go on meanwhile. When anything is wrong it names the place, and ends with status 5.",
        [
          ["countersign audit verify"],
          [
            "countersign audit verify --export audit-2026-07 --public-key key.txt",
            "on any machine; the key as you got it from a trusted hand",
          ],
          [
            "countersign audit verify --known-checkpoint july.txt",
            "also finds a log that was set back or rewritten since that checkpoint was saved",
          ],
        ],
      )
        .option("--export <DIR>", "verify an export instead of the data folder")
        .option("--public-key <FILE>", "the log's public key (default: the data folder's, or the one in the export)")
        .option("--known-checkpoint <FILE>", "a checkpoint that you kept from before")
        .option("--json", "the report as JSON"),
    ).action(action(context, (options: VerifyOptions) => verify(terminal, options))),
  );
  parent.addCommand(
    withInstance(
      describe(
        "export <DIR>",
        "write the log to a folder that anyone can verify",
        "Writes records, tiles, checkpoint and public key to DIR; not the payloads (statements, parameters).",
        [["countersign audit export audit-2026-07"]],
      ),
    ).action(action(context, (folder: string, options: InstanceOptions) => exportTo(terminal, folder, options))),
  );
  return parent;
};

async function verify(terminal: Terminal, options: VerifyOptions): Promise<ExitCode> {
  const [{ verifyLog }, { counted, openDataLog, openExport, trustedKey }, { readText }] = await Promise.all([
    import("@countersign/audit"),
    import("../audit-log.ts"),
    import("../named-file.ts"),
  ]);
  const path = (named: string): string => resolve(terminal.cwd, named);
  using log = options.export === undefined ? openDataLog(dataFolder(terminal, options)) : await openExport(path(options.export));
  const key = await trustedKey(log, options.publicKey && path(options.publicKey));
  const known =
    options.knownCheckpoint === undefined ? [] : [await readText(path(options.knownCheckpoint), "the known checkpoint")];
  const progress = showProgress(terminal, "checked");
  const report = await verifyLog(counted(log.source, progress.count), key, { known });
  progress.end();
  if (options.json) line(terminal.stdout, JSON.stringify({ ...report, origin: key.origin }, null, 2));
  else printReport(terminal, report, key.origin);
  return report.ok ? exitCodes.ok : exitCodes.auditFailed;
}

function printReport(terminal: Terminal, report: VerifyReport, origin: string): void {
  const { stdout } = terminal;
  const total = report.problems.length + report.moreProblems;
  line(
    stdout,
    report.ok
      ? `${paint(stdout, "green", "The audit log is intact:")} ${countText(report.size, "record")}, all signatures and proofs hold.`
      : `${paint(stdout, "red", "The audit log fails verification:")} ${countText(total, "problem")} in ${countText(report.size, "record")}.`,
  );
  for (const { kind, message } of report.problems) line(stdout, `  ${paint(stdout, "red", kind)}  ${visible(message)}`);
  if (report.moreProblems > 0) line(stdout, `  and ${report.moreProblems} more`);
  printDoubts(terminal, report.open);
  line(stdout, paint(stdout, "gray", `log ${visible(origin)}`));
}

/** What was dispatched, and the log does not tell what became of it. */
function printDoubts({ stdout }: Terminal, open: VerifyReport["open"]): void {
  if (open.length === 0) return;
  line(stdout, `${countText(open.length, "doubt")}: dispatched, and the log does not tell what became of it.`);
  for (const { request, index, why } of open.slice(0, mostDoubts))
    line(stdout, `  ${visible(request)}  record ${index}: ${doubts[why]}`);
  if (open.length > mostDoubts) line(stdout, `  and ${open.length - mostDoubts} more (--json lists all)`);
}

const doubts = {
  "no-outcome": "no outcome so far; it is at work, or the target has not told yet",
  session: "a recorded session without an end so far; it goes on, or the sidecar has not been started since",
  unknown: "nobody could tell; look at the target, then countersign resolve",
} as const satisfies Record<VerifyReport["open"][number]["why"], string>;

async function exportTo(terminal: Terminal, folder: string, options: InstanceOptions): Promise<ExitCode> {
  const [{ exportLog }, { openDataLog }] = await Promise.all([import("@countersign/control"), import("../audit-log.ts")]);
  using log = openDataLog(dataFolder(terminal, options));
  const records = await exportLog(log.source, resolve(terminal.cwd, folder), log.keyText);
  line(terminal.stdout, `Wrote ${countText(records, "record")} to ${folder}.`);
  line(terminal.stderr, `Verify it anywhere:  countersign audit verify --export ${folder}`);
  line(terminal.stderr, "Give its readers the public key (log.pub) by another way than the export itself.");
  return exitCodes.ok;
}
