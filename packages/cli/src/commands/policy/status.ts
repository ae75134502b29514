import { type ExitCode, exitCodes } from "../../exit.ts";
import { dataFolder, type InstanceOptions, readAddresses } from "../../instance.ts";
import { visible } from "../../terminal/escape.ts";
import { countText } from "../../terminal/quantity.ts";
import { line, paint, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "../command.ts";

interface StatusOptions extends InstanceOptions {
  readonly json?: true;
}

/** `countersign policy status` */
export const statusCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "status",
      "which policy is in force",
      "Tells which policy the running instance decides by, and why its files, as they are now, could not be taken into use. Ends with status 1 then.",
      [["countersign policy status"], ["countersign policy status --json"]],
    ).option("--json", "as JSON"),
  ).action(action(context, (options: StatusOptions) => status(context.terminal, options)));

async function status(terminal: Terminal, options: StatusOptions): Promise<ExitCode> {
  const [{ askPolicyStatus }, { placed }] = await Promise.all([
    import("../../operator-socket.ts"),
    import("../../policy-log.ts"),
  ]);
  const { stdout } = terminal;
  const found = await askPolicyStatus((await readAddresses(dataFolder(terminal, options))).operator);
  const { digest, version, sinceMs, rules, failure, warnings } = found;
  if (options.json) {
    line(stdout, JSON.stringify(found, null, 2));
    return failure === undefined ? exitCodes.ok : exitCodes.failure;
  }
  const bundle = version === undefined ? "" : `, bundle version ${version}`;
  line(stdout, `${paint(stdout, "green", "In force:")} ${digest}`);
  line(stdout, `${countText(rules, "rule")}${bundle}, since ${new Date(sinceMs).toISOString()}`);
  for (const warning of warnings) line(stdout, `${paint(stdout, "yellow", "warning:")} ${visible(placed(warning))}`);
  if (failure === undefined) return exitCodes.ok;
  const since = new Date(failure.sinceMs).toISOString();
  line(stdout, `${paint(stdout, "red", "Not in force:")} what the policy's files say since ${since} cannot be used`);
  for (const problem of failure.problems) line(stdout, `  ${visible(placed(problem))}`);
  return exitCodes.failure;
}
