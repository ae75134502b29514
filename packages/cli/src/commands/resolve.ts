import { Option } from "commander";
import type { InstanceOptions } from "../instance.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "./command.ts";

interface ResolveOptions extends InstanceOptions {
  readonly as: "happened" | "did-not";
  readonly approver?: string;
  readonly reason: string;
  readonly json?: true;
}

/** `countersign resolve` */
export const resolveCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "resolve <ID>",
      "say what became of a request whose outcome is unknown",
      "Clears up a doubt that the target cannot: look there first. Nothing is run by it.\nThe beginning or the end of an ID is enough.",
      [
        ["countersign resolve req_01k2f8 --as happened --reason 'The row is gone.'"],
        ["countersign resolve req_01k2f8 --as did-not --approver alice --reason 'The row is there.'"],
      ],
    )
      .addOption(new Option("--as <WHAT>", "what became of it").choices(["happened", "did-not"]).makeOptionMandatory())
      .requiredOption("--reason <TEXT>", "how that is known; recorded")
      .option("--approver <NAME>", "which approver you are (development; default: the only one, or your login name)")
      .option("--json", "print the request, as JSON"),
  ).action(action(context, (id: string, options: ResolveOptions) => resolve(context.terminal, id, options)));

async function resolve(terminal: Terminal, part: string, options: ResolveOptions): Promise<void> {
  const [{ connectApprover }, { stateName }, { detailJson }] = await Promise.all([
    import("../approver.ts"),
    import("../request-state.ts"),
    import("../request-json.ts"),
  ]);
  const { as: what, approver, ...instance } = options;
  using client = await connectApprover(terminal, { ...instance, ...(approver !== undefined && { as: approver }) });
  const id = await client.idOf(part);
  const after = await client.resolve(id, what === "happened", options.reason);
  const state = after.summary === undefined ? "unknown" : stateName(after.summary.state);
  line(terminal.stdout, options.json ? JSON.stringify(detailJson(after), null, 2) : `Resolved ${id}: it ${state}.`);
}
