import { describe, type MakeCommand } from "../command.ts";
import { checkCommand } from "./check.ts";
import { explainCommand } from "./explain.ts";

/** What there is below `countersign policy`, in the order of its help. */
const commands: readonly MakeCommand[] = [explainCommand, checkCommand];

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
