import { Argument, type Command } from "commander";
import type { ApproverClient } from "../approver-client.ts";
import { candidates, type Sources } from "../completion/candidates.ts";
import { scripts, shells } from "../completion/scripts.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import type { InstanceOptions } from "../instance.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, type CommandContext, describe, type MakeCommand } from "./command.ts";

/** `countersign completion` */
export const completionCommand: MakeCommand = (context) =>
  describe(
    "completion",
    "print a completion script for your shell",
    "Prints a script that teaches your shell to complete commands, options, request ids, resources and approvers.",
    [
      ["source <(countersign completion bash)", "in ~/.bashrc"],
      ["source <(countersign completion zsh)", "in ~/.zshrc, after compinit"],
      ["countersign completion fish > ~/.config/fish/completions/countersign.fish"],
    ],
  )
    .addArgument(new Argument("<SHELL>", "your shell").choices(shells))
    .action(action(context, async (shell: (typeof shells)[number]) => line(context.terminal.stdout, scripts[shell])));

/** `countersign __complete WORD…`: what the scripts call; prints one candidate a line, with a tab before its description. */
export const completeCommand: MakeCommand = (context) =>
  describe("__complete", "", "")
    .argument("[WORD...]")
    .allowUnknownOption()
    .helpOption(false)
    .action(action(context, (_words: string[], _options: unknown, self: Command) => complete(context, self)));

async function complete({ terminal }: CommandContext, self: Command): Promise<ExitCode> {
  if (self.parent === null) return exitCodes.failure;
  for (const { value, description } of await candidates(self.parent, self.args, instanceSources(terminal))) {
    line(terminal.stdout, description === "" ? value : `${value}\t${description}`);
  }
  return exitCodes.ok;
}

/** What is asked of a running instance. A shell must not wait long, and must not see an error: no answer means no candidates. */
function instanceSources(terminal: Terminal): Sources {
  const quietly = (ask: (options: InstanceOptions) => Promise<readonly string[]>) => async (options: InstanceOptions) => {
    const late = new Promise<readonly string[]>((resolve) => setTimeout(() => resolve([]), answerMs).unref());
    return await Promise.race([ask(options).catch(() => []), late]);
  };
  const asked = (ask: (client: ApproverClient) => Promise<readonly { readonly id: string }[]>) =>
    quietly(async (options) => {
      const { connectApprover } = await import("../approver.ts");
      using client = await connectApprover(terminal, options);
      return (await ask(client)).map(({ id }) => id);
    });
  return {
    requests: quietly(async (options) => {
      const [{ connectApprover }, { wireStates }] = await Promise.all([import("../approver.ts"), import("../request-state.ts")]);
      using client = await connectApprover(terminal, options);
      const found = await client.list([wireStates.pending]);
      return found.map(({ id }) => id);
    }),
    grants: quietly(async (options) => {
      const { connectApprover } = await import("../approver.ts");
      using client = await connectApprover(terminal, options);
      return (await client.grants(true)).map(({ id }) => id);
    }),
    locks: asked((client) => client.locks()),
    delegations: asked((client) => client.delegations()),
    reviews: asked(async (client) => (await client.reviews(true)).map(({ requestId }) => ({ id: requestId }))),
    resources: quietly(async (options) => {
      const { connectAgent } = await import("../agent.ts");
      await using client = await connectAgent(terminal, options);
      return (await client.resources()).map(({ name }) => name);
    }),
    approvers: quietly(async (options) => {
      const { dataFolder, readAddresses } = await import("../instance.ts");
      return (await readAddresses(dataFolder(terminal, options))).approvers;
    }),
    configuredResources: quietly(async (options) => {
      const [{ loadConfig }, { configFile }] = await Promise.all([import("../config/load.ts"), import("../instance.ts")]);
      return (await loadConfig(configFile(terminal, options))).settings.resources.map(({ name }) => name);
    }),
  };
}

const answerMs = 1000;
