import { describe, type MakeCommand } from "../command.ts";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { explainCommand } from "./explain.ts";
import { keygenCommand } from "./keygen.ts";
import { schemaCommand } from "./schema.ts";
import { simulateCommand } from "./simulate.ts";
import { statusCommand } from "./status.ts";
import { testCommand } from "./test.ts";
import { verifyCommand } from "./verify.ts";

/** What there is below `countersign policy`, in the order of its help. */
const commands: readonly MakeCommand[] = [
  explainCommand,
  checkCommand,
  schemaCommand,
  testCommand,
  diffCommand,
  simulateCommand,
  statusCommand,
  bundleCommand,
  verifyCommand,
  keygenCommand,
];

/** `countersign policy` */
export const policyCommand: MakeCommand = (context) => {
  const parent = describe(
    "policy",
    "explain, check, test and distribute the rules",
    "The rules: what they say about an operation and why, and whether the files are right. Nothing is run, and but for `status` nothing needs to be running.",
  );
  for (const make of commands) parent.addCommand(make(context));
  return parent;
};
