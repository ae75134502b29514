import type { ApproverOptions } from "../approver.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

interface ShowOptions extends ApproverOptions {
  readonly json?: true;
}

/** `countersign show` */
export const showCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "show <ID>",
      "show a request whole",
      "Shows a request: the whole operation, who asks, the target, the rules that held it, the votes, how it ended.\nThe beginning or the end of an ID is enough.",
      [["countersign show req_01k2f8"], ["countersign show req_01k2f8 --json"]],
    ).option("--json", "as JSON"),
  ).action(action(context, (id: string, options: ShowOptions) => show(context.terminal, id, options)));

async function show(terminal: Terminal, id: string, options: ShowOptions): Promise<ExitCode> {
  const [{ connectApprover }, { requestText }, { detailJson }] = await Promise.all([
    import("../approver.ts"),
    import("../request-text.ts"),
    import("../request-json.ts"),
  ]);
  using client = await connectApprover(terminal, options);
  const detail = await client.find(id);
  const text = options.json ? [JSON.stringify(detailJson(detail), null, 2)] : requestText(terminal, detail);
  for (const one of text) line(terminal.stdout, one);
  return exitCodes.ok;
}
