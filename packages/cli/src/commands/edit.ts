import type { LineOperation, PostgresParameter } from "@countersign/policy";
import type { RequestDetail } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { confirm } from "../terminal/prompt.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand, withApprover } from "./command.ts";

interface EditOptions extends ApproverOptions {
  readonly statement?: string;
  readonly file?: string;
  readonly param?: readonly string[];
  readonly set?: readonly string[];
  readonly comment: string;
  readonly yes?: true;
  readonly json?: true;
}

/** `countersign edit` */
export const editCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "edit <ID>",
      "put a changed operation in the place of a held one",
      "Proposes another operation for a request that you are asked about: another statement or other parameters, another command, request body\nor file content. Policy decides anew: it may refuse the changed operation, ask people about it (you among them, or the edit is refused), or\nlet it run. The caller is told what was changed, and by whom.\nOn a terminal, without an option that says what is to run, it opens the statement (command, body, …) in $VISUAL or $EDITOR.\nThe beginning or the end of an ID is enough.",
      [
        ["countersign edit req_01k2f8 -m 'Only the duplicate.' --statement 'delete from orders where id = 7'"],
        ["countersign edit req_01k2f8 -m 'Another order.' --param 8", "the same statement with other values"],
        ["countersign edit req_01k2f8 -m 'Only the api.' --set command='systemctl restart api'", "another command"],
      ],
    )
      .requiredOption("-m, --comment <TEXT>", "why, for the agent and for the record")
      .option("--statement <SQL>", "what is to run")
      .option("--file <FILE>", "what is to run (the statement, the command, the body, …) is in this file")
      .option("--set <FIELD=VALUE>", "another command, stdin, path, body, content, …", collect)
      .option("--param <VALUE>", "a value, in the order of $1, $2, …; \\N is NULL; gives all values anew", collect)
      .option("-y, --yes", "do not ask")
      .option("--json", "print the new request, as JSON"),
  ).action(action(context, (id: string, options: EditOptions) => edit(context.terminal, id, options)));

async function edit(terminal: Terminal, id: string, options: EditOptions): Promise<ExitCode> {
  if (options.statement !== undefined && options.file !== undefined)
    throw new CliError(exitCodes.usage, "Give the statement with --statement or with --file, not with both.");
  const [{ operationMessage }, { connectApprover }, { differenceText }, { detailJson }] = await Promise.all([
    import("@countersign/policy"),
    import("../approver.ts"),
    import("../difference-text.ts"),
    import("../request-json.ts"),
  ]);
  using client = await connectApprover(terminal, options);
  const shown = await client.find(id);
  const before = await operationOf(shown);
  const after = operationMessage(await changed(terminal, before, options));
  const screen = options.json ? { ...terminal, stdout: terminal.stderr } : terminal;
  const difference = differenceText(screen, operationMessage(before), after);
  if (difference.length === 0) throw new CliError(exitCodes.failure, "Nothing was changed; the request stays as it is.");
  for (const one of difference) line(options.json ? terminal.stderr : terminal.stdout, one);
  await ask(terminal, options);
  const now = await client.proposeEdit(shown, after, options.comment);
  if (options.json) line(terminal.stdout, JSON.stringify(detailJson(now), null, 2));
  else await report(terminal, shown, now);
  return exitCodes.ok;
}

/** @throws {CliError} for an operation that this program cannot show whole, and that nobody may therefore change with it. */
async function operationOf({ operation: message }: RequestDetail): Promise<LineOperation> {
  const { readOperationMessage } = await import("@countersign/policy");
  const operation = readOperationMessage(message);
  if (operation !== undefined) return operation;
  throw new CliError(exitCodes.failure, "This version of countersign cannot change this kind of operation.");
}

async function changed(terminal: Terminal, before: LineOperation, options: EditOptions): Promise<LineOperation> {
  if (before.kind !== "postgres.query" && (options.statement !== undefined || options.param !== undefined))
    throw new CliError(exitCodes.usage, "--statement and --param are for SQL. Say what is to run with --set or --file.");
  const { withField } = await import("../operation-fields.ts");
  let after = await withNewText(terminal, before, options);
  for (const one of options.set ?? []) {
    const [, name, text] = /^(\w+)=(.*)$/s.exec(one) ?? [];
    if (name === undefined || text === undefined)
      throw new CliError(
        exitCodes.usage,
        `--set ${JSON.stringify(one)}: write FIELD=VALUE, e.g. command='systemctl restart api'.`,
      );
    after = withField(after, name, text);
  }
  if (after.kind !== "postgres.query") return after;
  const parameters = options.param?.map(parameterOf) ?? after.parameters.slice(0, highestPlace(after.statement));
  return { ...after, parameters };
}

async function withNewText(terminal: Terminal, before: LineOperation, options: EditOptions): Promise<LineOperation> {
  const { mainText, withMainText } = await import("../operation-fields.ts");
  const { statement, file, param, set } = options;
  if (statement !== undefined) return withMainText(before, statement);
  const { editedText, textOfFile } = await import("../terminal/editor.ts");
  if (file !== undefined) return withMainText(before, await textOfFile(terminal, file));
  if (param !== undefined || set !== undefined) return before;
  const { text, extension } = mainText(before);
  const ways = before.kind === "postgres.query" ? "--statement, --file, --set or --param" : "--file or --set";
  if (text === undefined)
    throw new CliError(exitCodes.usage, `There is no text in it to open in an editor. Say what is to run with ${ways}.`);
  if (terminal.stdin.isTTY === true) return withMainText(before, await editedText(terminal, text, extension));
  throw new CliError(exitCodes.usage, `There is no terminal to edit on. Say what is to run with ${ways}.`);
}

function parameterOf(text: string): PostgresParameter {
  return text === "\\N" ? null : { text };
}

/** Values beyond the highest `$n` that the statement may name are left out: PostgreSQL would refuse them. */
function highestPlace(statement: string): number {
  return Math.max(0, ...[...statement.matchAll(/\$(\d{1,5})/g)].map(([, digits]) => Number(digits)));
}

async function ask(terminal: Terminal, { yes }: EditOptions): Promise<void> {
  if (yes) return;
  if (terminal.stdin.isTTY !== true)
    throw new CliError(exitCodes.usage, "There is no terminal to ask on. Add --yes to propose it without being asked.");
  if (!(await confirm(terminal, paint(terminal.stderr, "bold", "Propose this?"))))
    throw new CliError(exitCodes.failure, "Not confirmed; nothing was changed.");
}

async function report({ stdout }: Terminal, before: RequestDetail, { summary, requirements }: RequestDetail): Promise<void> {
  const [{ stateName }, { requirementText }] = await Promise.all([import("../request-state.ts"), import("../request-text.ts")]);
  const id = summary?.id ?? "";
  line(stdout, `${paint(stdout, "green", "Edited.")} ${id} takes the place of ${before.summary?.id ?? ""}.`);
  if (summary === undefined || stateName(summary.state) !== "pending") {
    line(stdout, "Policy lets it run without anybody's approval.");
    return;
  }
  line(stdout, "It waits for approval:");
  for (const one of requirements) line(stdout, `  ${requirementText(one)}`);
  if (summary.canVote) line(stdout, `Approve it with: countersign approve ${id}`);
}
