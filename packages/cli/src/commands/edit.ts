import type { PostgresParameter, PostgresQuery, RequestDetail } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { confirm } from "../terminal/prompt.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand, withApprover } from "./command.ts";

interface EditOptions extends ApproverOptions {
  readonly statement?: string;
  readonly file?: string;
  readonly param?: readonly string[];
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
      "Proposes another statement, or other parameters, for a request that you are asked about. Policy decides anew: it may refuse the changed\noperation, ask people about it (you among them, or the edit is refused), or let it run. The caller is told what was changed, and by whom.\nOn a terminal, without --statement, --file and --param, it opens the statement in $VISUAL or $EDITOR.\nThe beginning or the end of an ID is enough.",
      [
        ["countersign edit req_01k2f8 -m 'Only the duplicate.' --statement 'delete from orders where id = 7'"],
        ["countersign edit req_01k2f8 -m 'Another order.' --param 8", "the same statement with other values"],
      ],
    )
      .requiredOption("-m, --comment <TEXT>", "why, for the agent and for the record")
      .option("--statement <SQL>", "what is to run")
      .option("--file <FILE>", "what is to run is in this file")
      .option("--param <VALUE>", "a value, in the order of $1, $2, …; \\N is NULL; gives all values anew", collect)
      .option("-y, --yes", "do not ask")
      .option("--json", "print the new request, as JSON"),
  ).action(action(context, (id: string, options: EditOptions) => edit(context.terminal, id, options)));

async function edit(terminal: Terminal, id: string, options: EditOptions): Promise<ExitCode> {
  if (options.statement !== undefined && options.file !== undefined)
    throw new CliError(exitCodes.usage, "Give the statement with --statement or with --file, not with both.");
  const [{ connectApprover }, { differenceText }, { detailJson }] = await Promise.all([
    import("../approver.ts"),
    import("../difference-text.ts"),
    import("../request-json.ts"),
  ]);
  using client = await connectApprover(terminal, options);
  const shown = await client.find(id);
  const before = queryOf(shown);
  const after = await changed(terminal, before, options);
  const difference = differenceText(options.json ? { ...terminal, stdout: terminal.stderr } : terminal, before, after);
  if (difference.length === 0) throw new CliError(exitCodes.failure, "Nothing was changed; the request stays as it is.");
  for (const one of difference) line(options.json ? terminal.stderr : terminal.stdout, one);
  await ask(terminal, options);
  const now = await client.proposeEdit(shown, { operation: { $case: "postgresQuery", value: after } }, options.comment);
  if (options.json) line(terminal.stdout, JSON.stringify(detailJson(now), null, 2));
  else await report(terminal, shown, now);
  return exitCodes.ok;
}

/** @throws {CliError} for an operation that this program cannot show whole, and that nobody may therefore change with it. */
function queryOf({ operation }: RequestDetail): PostgresQuery {
  if (operation?.operation?.$case === "postgresQuery") return operation.operation.value;
  throw new CliError(exitCodes.failure, "This version of countersign cannot change this kind of operation.");
}

async function changed(terminal: Terminal, before: PostgresQuery, options: EditOptions): Promise<PostgresQuery> {
  const statement = await newStatement(terminal, before.statement, options);
  const parameters = options.param?.map(parameterOf) ?? before.parameters.slice(0, highestPlace(statement));
  return { statement, parameters };
}

async function newStatement(terminal: Terminal, before: string, { statement, file, param }: EditOptions): Promise<string> {
  if (statement !== undefined) return statement;
  const { editedText, textOfFile } = await import("../terminal/editor.ts");
  if (file !== undefined) return textOfFile(terminal, file);
  if (param !== undefined) return before;
  if (terminal.stdin.isTTY === true) return editedText(terminal, before, ".sql");
  throw new CliError(exitCodes.usage, "There is no terminal to edit on. Say what is to run with --statement, --file or --param.");
}

function parameterOf(text: string): PostgresParameter {
  return text === "\\N" ? { value: { $case: "null", value: true } } : { value: { $case: "text", value: text } };
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
