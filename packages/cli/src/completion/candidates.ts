import type { Command, Option } from "commander";
import type { InstanceOptions } from "../instance.ts";

/** One thing that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  /** May be empty. */
  readonly description: string;
}

/** What only a running instance or its configuration knows. */
export interface Sources {
  readonly requests: (options: InstanceOptions) => Promise<readonly string[]>;
  readonly locks: (options: InstanceOptions) => Promise<readonly string[]>;
  readonly delegations: (options: InstanceOptions) => Promise<readonly string[]>;
  /** Requests whose emergency waits for its review. */
  readonly reviews: (options: InstanceOptions) => Promise<readonly string[]>;
  readonly grants: (options: InstanceOptions) => Promise<readonly string[]>;
  readonly resources: (options: InstanceOptions) => Promise<readonly string[]>;
  readonly approvers: (options: InstanceOptions) => Promise<readonly string[]>;
  /** What the configuration names; nothing needs to be running. */
  readonly configuredResources: (options: InstanceOptions) => Promise<readonly string[]>;
}

/** Which source completes an argument of a name, or an option's value. Anything else is left to the shell, which completes file names. */
const sourceOf: Readonly<Record<string, keyof Sources>> = {
  ID: "requests",
  GRANT: "grants",
  LOCK: "locks",
  DELEGATION: "delegations",
  REVIEW: "reviews",
  RESOURCE: "resources",
  APPROVER: "approvers",
  "--as": "approvers",
  "--approver": "approvers",
  "--to": "approvers",
  "--resource": "configuredResources",
};

/**
 * What may stand at the cursor.
 *
 * @param program the command tree: the only source of commands, options and choices.
 * @param words those after the program's name; the last is the one at the cursor, possibly empty.
 */
export async function candidates(program: Command, words: readonly string[], sources: Sources): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? "";
  const { command, options, positionals, pendingOption } = walk(program, words.slice(0, -1));
  const startsRight = ({ value }: Candidate): boolean => value.startsWith(current);
  const fromSource = async (name: string): Promise<readonly Candidate[]> => {
    const source = sourceOf[name];
    const values = source === undefined ? [] : await sources[source](options);
    return values.map((value) => ({ value, description: "" }));
  };
  if (pendingOption !== undefined)
    return (pendingOption.argChoices === undefined ? await fromSource(pendingOption.long ?? "") : choices(pendingOption)).filter(
      startsRight,
    );
  if (current.startsWith("-")) return visibleOptions(command).filter(startsRight);
  const argument = command.registeredArguments[Math.min(positionals, command.registeredArguments.length - 1)];
  const own = argument === undefined ? [] : [...choices(argument), ...(await fromSource(argument.name()))];
  return [...(positionals === 0 ? subcommands(command) : []), ...own].filter(startsRight);
}

interface Place {
  readonly command: Command;
  readonly options: InstanceOptions;
  /** Arguments of the command so far. */
  readonly positionals: number;
  /** The option whose value stands at the cursor. */
  readonly pendingOption: Option | undefined;
}

/** Follows the words before the cursor down the tree, as commander would. */
function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let positionals = 0;
  let pendingOption: Option | undefined;
  const options: { config?: string; data?: string } = {};
  for (const word of words) {
    if (pendingOption !== undefined) {
      if (pendingOption.long === "--config") options.config = word;
      if (pendingOption.long === "--data") options.data = word;
      pendingOption = undefined;
      continue;
    }
    const option = command.options.find((one) => one.long === word || one.short === word);
    if (option !== undefined) {
      if (option.required) pendingOption = option;
      continue;
    }
    if (word.startsWith("-")) continue;
    const next = positionals === 0 ? command.commands.find((one) => one.name() === word) : undefined;
    if (next === undefined) positionals += 1;
    else command = next;
  }
  return { command, options, positionals, pendingOption };
}

function subcommands(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), description: one.summary() }));
}

function visibleOptions(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((one) => ({ value: one.long ?? one.short ?? "", description: one.description }));
}

function choices(of: { readonly argChoices?: string[] | undefined }): readonly Candidate[] {
  return (of.argChoices ?? []).map((value) => ({ value, description: "" }));
}
