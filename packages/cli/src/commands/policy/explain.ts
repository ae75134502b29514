import type { Asking, AskingJson, ProtocolName } from "@countersign/policy";
import { Option } from "commander";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { line, type Terminal } from "../../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand } from "../command.ts";
import { type CallerOptions, openCaller, withCaller } from "./caller.ts";
import { type PolicyOptions, withPolicy } from "./policy-options.ts";
import { type TargetOptions, withTarget } from "./target-options.ts";

interface ExplainOptions extends PolicyOptions, CallerOptions, TargetOptions {
  readonly type?: ProtocolName;
  readonly param?: readonly string[];
  readonly batch?: true;
  readonly json?: true;
}

const types = ["postgres", "ssh", "kubernetes", "http", "mcp"] as const satisfies readonly ProtocolName[];

const formats = `
OPERATION is what is asked for, as text or as a JSON object; - reads it from standard input:
  postgres    select * from orders
              {"statement": "select $1", "parameters": [7]}
  ssh         systemctl restart api
              {"command": "…", "tty": true}, {"argv": ["ls", "/tmp"]}, {"subsystem": "sftp"}
  kubernetes  GET /api/v1/namespaces/shop/pods
              {"method": "…", "path": "…", "query": {…}, "headers": {…}, "body": …}
              {"exec": {"namespace": "shop", "pod": "web", "argv": ["id"], "tty": true}}
  http        POST /refunds
              {"method": "…", "path": "…", "query": {…}, "headers": {…}, "body": …}
  mcp         github/get_issue {"number": 7}
              {"server": "github", "tool": "get_issue", "arguments": {"number": 7}}

With --batch every line of standard input is one operation in JSON (a string is the text).
It gets one line of JSON, at once and in order:
  {"effect", "rules", "opaque", "facts"}, and where they say something "message", "role",
  "limits", "approval", "doubts", "parts" (of several statements), "error" {"code", "message"}
An object may hold, beside the operation's own fields: "type", "id" (given back), "resource",
"labels", "principal" {"issuer", "subject", "groups", "claims"}, "role", "reason", "now".`;

/** `countersign policy explain` */
export const explainCommand: MakeCommand = (context) =>
  withCaller(
    withTarget(
      withPolicy(
        describe(
          "explain [OPERATION]",
          "say what the rules decide about an operation, and why",
          "Says what the rules decide about an operation, and of every rule whether it matched and which part of its condition decided.",
          [
            ['countersign policy explain --type postgres "delete from orders"'],
            ['countersign policy explain --policy draft.yaml --type http "POST /refunds" --group support --json'],
            ["countersign policy explain --type ssh --batch < commands.jsonl", "one JSON answer a line, as the lines come"],
          ],
        ).addOption(new Option("--type <TYPE>", "what the operation is").choices(types)),
      ),
    ),
  )
    .option("--param <TEXT>", "postgres: a parameter; repeat it for several (default: parameters are not checked)", collect)
    .option("--batch", "read one JSON operation a line from standard input, answer one JSON line each")
    .option("--json", "the explanation as JSON")
    .addHelpText("after", formats)
    .action(
      action(context, (operation: string | undefined, options: ExplainOptions) => explain(context.terminal, operation, options)),
    );

async function explain(terminal: Terminal, operation: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  const [{ openPolicy }, { openTargets }] = await Promise.all([import("./policy-files.ts"), import("./target.ts")]);
  checkUse(operation, options);
  const { policy, config } = await openPolicy(terminal, options);
  const [callerOf, targetOf] = [openCaller(terminal, options), await openTargets(options, config)];
  const complete = (asked: AskingJson): Asking => ({ operation: asked.operation, ...callerOf(asked), ...targetOf(asked) });
  if (operation === undefined) {
    const { answerLines } = await import("./batch.ts");
    await answerLines(terminal, { policy, type: options.type, complete });
    return exitCodes.ok;
  }
  const [{ explainOperation }, { readOperationText }] = await Promise.all([
    import("@countersign/policy"),
    import("./operation-text.ts"),
  ]);
  const asked = await readOperationText(terminal, operation, options);
  const asking = complete(asked);
  const explanation = explainOperation(policy, asking);
  if (options.json) line(terminal.stdout, JSON.stringify(explanation, null, 2));
  else {
    const { explanationText } = await import("./explanation-text.ts");
    for (const one of explanationText(terminal.stdout, explanation, asking)) line(terminal.stdout, one);
  }
  return exitCodes.ok;
}

/** @throws {CliError} usage, for what does not go together. */
function checkUse(operation: string | undefined, { batch, json, param, type }: ExplainOptions): void {
  const problem = (message: string): CliError => new CliError(exitCodes.usage, message);
  if (batch && operation !== undefined) throw problem("--batch reads operations from standard input; take the OPERATION out.");
  if (!batch && operation === undefined)
    throw problem("No operation is given. Write it as the last argument, - for standard input, or use --batch for many.");
  if (batch && param !== undefined)
    throw problem('--batch takes parameters from each line: {"statement": "…", "parameters": […]}.');
  if (batch && json) throw problem("--batch answers in JSON anyway; take --json out.");
  if (!batch && type === undefined) throw problem(`--type is missing; write one of ${types.join(", ")}.`);
}
