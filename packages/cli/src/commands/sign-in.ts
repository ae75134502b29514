import type { ApproverOptions } from "../approver.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, readAddresses } from "../instance.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

/** `countersign sign-in` */
export const signInCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "sign-in",
      "print a one-time link to the console",
      "Prints a link that signs an approver in to the console: once, within ten minutes. For development.",
      [["countersign sign-in --as alice"]],
    ),
  ).action(action(context, (options: ApproverOptions) => signIn(context.terminal, options)));

async function signIn(terminal: Terminal, options: ApproverOptions): Promise<ExitCode> {
  const [{ approverName }, { askSignInLink }] = await Promise.all([import("../approver.ts"), import("../operator-socket.ts")]);
  const addresses = await readAddresses(dataFolder(terminal, options));
  line(terminal.stdout, await askSignInLink(addresses.operator, approverName(addresses, options.as)));
  return exitCodes.ok;
}
