import { Option } from "commander";
import { type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, type InstanceOptions } from "../instance.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand, parseDuration, withInstance } from "./command.ts";

interface TokenOptions extends InstanceOptions {
  readonly subject: string;
  readonly group?: readonly string[];
  readonly ttl: string;
  readonly audience: "agent" | "approver";
}

/** `countersign token` */
export const tokenCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "token",
      "make a token (development issuer)",
      "Prints a token of the development issuer. For development only: whoever can read the data folder can make one for anybody.",
      [
        ["countersign token --subject ci-agent --group etl --ttl 1h"],
        ['COUNTERSIGN_TOKEN=$(countersign token --subject ci-agent) countersign query orders-db "select 1"'],
      ],
    )
      .requiredOption("--subject <NAME>", "who the token is for")
      .option(
        "--group <NAME>",
        "a group of an agent; may be repeated (an approver's groups come from the configuration)",
        collect,
      )
      .option("--ttl <TIME>", "how long it is good, e.g. 30m or 8h", "8h")
      .addOption(new Option("--audience <WHICH>", "whose listener it opens").choices(["agent", "approver"]).default("agent")),
  ).action(action(context, (options: TokenOptions) => token(context.terminal, options)));

async function token(terminal: Terminal, { subject, group, ttl, audience, ...instance }: TokenOptions): Promise<ExitCode> {
  const ttlMs = parseDuration("--ttl", ttl);
  const { developmentToken } = await import("../development-token.ts");
  line(
    terminal.stdout,
    await developmentToken(dataFolder(terminal, instance), {
      subject,
      groups: group ?? [],
      audience,
      ttlMs,
      nowMs: terminal.now(),
    }),
  );
  return exitCodes.ok;
}
