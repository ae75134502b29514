import { Option } from "commander";
import { type ExitCode, exitCodes } from "../../exit.ts";
import { line, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";
import { type CallerOptions, readCaller, withCaller } from "./caller.ts";
import { type PolicyOptions, withPolicy } from "./policy-files.ts";
import { readTarget, type TargetOptions, withTarget } from "./target.ts";

interface ExplainOptions extends PolicyOptions, CallerOptions, TargetOptions {
  readonly type: "postgres" | "ssh" | "kubernetes" | "http" | "mcp";
}

/** `countersign policy explain` */
export const explainCommand: MakeCommand = (context) =>
  withCaller(
    withTarget(
      withPolicy(
        describe(
          "explain <OPERATION>",
          "say what the rules decide about an operation, and why",
          "Classifies an operation and shows the decision.",
          [],
        ),
      ).addOption(
        new Option("--type <TYPE>", "what the operation is")
          .choices(["postgres", "ssh", "kubernetes", "http", "mcp"])
          .makeOptionMandatory(),
      ),
    ),
  ).action(action(context, (operation: string, options: ExplainOptions) => explain(context.terminal, operation, options)));

async function explain(terminal: Terminal, text: string, options: ExplainOptions): Promise<ExitCode> {
  const [{ classify, readOperation }, { openPolicy }] = await Promise.all([
    import("@countersign/policy"),
    import("./policy-files.ts"),
  ]);
  const { policy, config } = await openPolicy(terminal, options);
  const target = readTarget({ resource: "any", ...options }, options.type, config);
  const facts = classify(readOperation(options.type, text), { searchPath: target?.searchPath ?? ["public"], unbound: true });
  if (target === undefined) return exitCodes.failure;
  const decision = policy.decide({ ...readCaller(terminal, options), resource: target.resource, facts });
  line(terminal.stdout, JSON.stringify(decision, null, 2));
  return exitCodes.ok;
}
