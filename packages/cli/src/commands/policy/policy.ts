import { describe, type MakeCommand } from "../command.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { explainCommand } from "./explain.ts";
import { simulateCommand } from "./simulate.ts";
import { testCommand } from "./test.ts";

/** What there is below `countersign policy`, in the order of its help. */
const commands: readonly MakeCommand[] = [explainCommand, checkCommand, testCommand, diffCommand, simulateCommand];

/** `countersign policy` */
export const policyCommand: MakeCommand = (context) => {
  const parent = describe(
    "policy",
    "explain, check and test the rules",
    "The rules: what they say about an operation and why, and whether the files are right. Nothing is run, and nothing needs to be running.",
  );
  for (const make of commands) parent.addCommand(make(context));
  return parent;
};
