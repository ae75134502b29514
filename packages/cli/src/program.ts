import { Command } from "commander";
import { auditCommand } from "./commands/audit.ts";
import type { MakeCommand } from "./commands/command.ts";
import { completeCommand, completionCommand } from "./commands/completion.ts";
import { connectCommand } from "./commands/connect.ts";
import { credentialsCommand } from "./commands/credentials.ts";
import { delegateCommand, delegationsCommand } from "./commands/delegate.ts";
import { editCommand } from "./commands/edit.ts";
import { grantsCommand } from "./commands/grants.ts";
import { initCommand } from "./commands/init.ts";
import { kubeconfigCommand } from "./commands/kubeconfig.ts";
import { kubernetesCommand } from "./commands/kubernetes.ts";
import { lockCommand, locksCommand, unlockCommand } from "./commands/locks.ts";
import { policyCommand } from "./commands/policy/policy.ts";
import { psqlCommand } from "./commands/psql.ts";
import { queryCommand } from "./commands/query.ts";
import { replayCommand, watchCommand } from "./commands/replay.ts";
import { requestsCommand } from "./commands/requests.ts";
import { resolveCommand } from "./commands/resolve.ts";
import { resourcesCommand } from "./commands/resources.ts";
import { reviewsCommand } from "./commands/reviews.ts";
import { revokeCommand } from "./commands/revoke.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { showCommand } from "./commands/show.ts";
import { signInCommand } from "./commands/sign-in.ts";
import { sshCommand } from "./commands/ssh.ts";
import { tokenCommand } from "./commands/token.ts";
import { upCommand } from "./commands/up.ts";
import { approveCommand, denyCommand } from "./commands/vote.ts";
import { type ExitCode, exitCodeHelp } from "./exit.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";
import { version } from "./version.ts";

const groups: readonly (readonly [heading: string, commands: readonly MakeCommand[]])[] = [
  ["Set up and run:", [initCommand, upCommand, tokenCommand, signInCommand, credentialsCommand, sshCommand]],
  ["Write rules:", [policyCommand]],
  ["Approve:", [requestsCommand, showCommand, approveCommand, denyCommand, editCommand, grantsCommand]],
  ["Watch terminals:", [sessionsCommand, watchCommand, replayCommand]],
  ["Take back and put right:", [revokeCommand, lockCommand, locksCommand, unlockCommand, resolveCommand, reviewsCommand]],
  ["Be away:", [delegateCommand, delegationsCommand]],
  ["Ask, as an agent:", [resourcesCommand, queryCommand, psqlCommand, connectCommand, kubeconfigCommand, kubernetesCommand]],
  ["Prove:", [auditCommand]],
  ["Shell:", [completionCommand]],
];

const environment = [
  ["COUNTERSIGN_DATA", "the data folder, instead of --data"],
  ["COUNTERSIGN_ADDRESS", "the sidecar's address, instead of --address"],
  ["COUNTERSIGN_TOKEN", "a bearer token: an agent's for query and kubectl, an approver's for requests, show, approve and deny"],
  ["NO_COLOR", "no colours"],
] as const;

const columns = (rows: readonly (readonly [string | number, string])[], size: number): string =>
  rows.map(([name, text]) => `  ${String(name).padEnd(size)}  ${text}`).join("\n");

/**
 * The whole command tree.
 *
 * @param finished told the exit code of the command that ran.
 */
export function createProgram(terminal: Terminal, finished: (code: ExitCode) => void): Command {
  const program = new Command("countersign")
    .description("An agent may ask for anything. Nothing risky runs until a person has signed exactly that command.")
    .version(version(), "-V, --version", "print the version")
    .addHelpText("after", `\nExit status:\n${columns(exitCodeHelp, 3)}\n\nEnvironment:\n${columns(environment, 19)}`);
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const make of commands) program.addCommand(make({ terminal, finished }));
  }
  program.addCommand(completeCommand({ terminal, finished }), { hidden: true });
  configure(program, terminal);
  return program;
}

/** Settings that commander does not hand down to commands that were made elsewhere. */
function configure(command: Command, terminal: Terminal): void {
  command
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError(`See \`${path(command)} --help\`.`)
    .configureHelp({ styleTitle: (title) => paint(terminal.stdout, "bold", title) })
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      getOutHelpWidth: () => terminal.stdout.columns ?? 100,
      getErrHelpWidth: () => terminal.stderr.columns ?? 100,
      outputError: (text, write) => write(`countersign: ${text.replace(/^error: /, "")}`),
    });
  for (const one of command.commands) configure(one, terminal);
}

/** A command with its parents, as it is typed. */
function path(command: Command): string {
  return command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`;
}
