import { resolve } from "node:path";
import type { Direction, Policy, PolicyChange } from "@countersign/policy";
import { type ExitCode, exitCodes } from "../../exit.ts";
import { visible, visibleBlock } from "../../terminal/escape.ts";
import { countText } from "../../terminal/quantity.ts";
import { type Format, line, paint, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";

interface DiffOptions {
  readonly json?: true;
}

/** `countersign policy diff` */
export const diffCommand: MakeCommand = (context) =>
  describe(
    "diff <BEFORE> <AFTER>",
    "say in words what is different between two policies",
    "Compares two policies: files, folders or bundles. The order of rules, the files that they are in, layout and comments do not count. What a " +
      "change does is marked where it can be told: looser (more runs, or with fewer people), tighter, or both. Ends with status 0 when they are " +
      "the same, 1 when they differ.",
    [["countersign policy diff policy.yaml draft.yaml"], ["countersign policy diff policies/ bundle.json --json"]],
  )
    .option("--json", "the changes as JSON")
    .action(
      action(context, (before: string, after: string, options: DiffOptions) => diff(context.terminal, before, after, options)),
    );

async function diff(terminal: Terminal, before: string, after: string, options: DiffOptions): Promise<ExitCode> {
  const { comparePolicies } = await import("@countersign/policy");
  const [was, is] = [await load(terminal, before), await load(terminal, after)];
  const changes = comparePolicies(was, is);
  if (options.json) {
    const digests = { before: was.digest, after: is.digest };
    line(terminal.stdout, JSON.stringify({ same: changes.length === 0, ...digests, changes }, null, 2));
  } else printChanges(terminal, changes);
  return changes.length === 0 ? exitCodes.ok : exitCodes.failure;
}

async function load(terminal: Terminal, path: string): Promise<Policy> {
  const [{ loadPolicyFiles }, { policyFiles }] = await Promise.all([
    import("../../config/policy.ts"),
    import("./folder-files.ts"),
  ]);
  return await loadPolicyFiles(await policyFiles(resolve(terminal.cwd, path)));
}

/** How a change is marked, before and besides its words. */
const marks: Readonly<Record<Direction, readonly [mark: string, format: Format]>> = {
  looser: ["looser ", "red"],
  tighter: ["tighter", "green"],
  both: ["both   ", "yellow"],
  unknown: ["       ", "gray"],
  none: ["       ", "gray"],
};

function printChanges({ stdout }: Terminal, changes: readonly PolicyChange[]): void {
  for (const { kind, rules, direction, text, before, after } of changes) {
    const [mark, format] = marks[direction];
    const isNamed = kind === "condition" || kind === "variable";
    const subject = isNamed ? `${visible(text)} (reaches ${rules.join(", ")})` : `${rules.join(", ")}: ${visible(text)}`;
    line(stdout, `${paint(stdout, format, mark)}  ${subject}`);
    // Short values are in the words already; conditions are not.
    if (kind === "renamed" || kind === "variable" || text.includes("→") || text.includes("(was ")) continue;
    printText(stdout, "-", "red", before);
    printText(stdout, "+", "green", after);
  }
  const count = (direction: Direction): number => changes.filter((one) => one.direction === direction).length;
  line(
    stdout,
    changes.length === 0
      ? "The two policies are the same."
      : `${countText(changes.length, "change")}: ${count("looser")} looser, ${count("tighter")} tighter, ${count("both")} both`,
  );
}

function printText(stdout: Terminal["stdout"], sign: string, format: Format, text: string | undefined): void {
  if (text === undefined) return;
  for (const one of visibleBlock(text.trim()).split("\n")) line(stdout, paint(stdout, format, `           ${sign} ${one}`));
}
