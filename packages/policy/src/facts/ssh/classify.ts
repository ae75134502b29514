import { guardedShell, type SshFile, terminalSession } from "../../action.ts";
import { CountersignError } from "../../outcome.ts";
import type { SshFacts } from "./definition.ts";
import { isHarmless } from "./environment.ts";
import { judge } from "./judge.ts";
import { pathsIn, spellings } from "./paths.ts";
import { isShellWord } from "./programs.ts";
import { programsSeen } from "./programs-seen.ts";
import { type Command, commandsOf, type Redirect } from "./syntax.ts";
import { Unclear } from "./tokens.ts";

/** A command line's facts, and those of each of its commands alone where there are several. */
export interface ClassifiedCommand {
  readonly facts: SshFacts;
  readonly parts?: readonly SshFacts[];
}

/** Conditions may loop over lists inside each other: longer lists could hold the sidecar. */
const maxNames = 500;

/** Each is decided alone, against all rules. */
const maxCommands = 100;

const nothing: SshFacts = {
  command: "",
  programs: [],
  argv: [],
  redirects: [],
  paths: [],
  directory: "",
  piped: false,
  readOnly: false,
  network: true,
  elevated: true,
  file: "",
  stdin: "none",
  subsystem: "",
  tty: false,
  opaque: true,
  doubts: [],
};

/**
 * What a command line does. The text must be well-formed, hold no NUL byte, and be within the caller's cap.
 *
 * @throws {CountersignError} `invalid_operation`, `operation_too_large`
 */
export function classifyText(command: string, tty: boolean): ClassifiedCommand {
  let commands: readonly Command[];
  try {
    commands = commandsOf(command);
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { facts: unclear(command, tty, error.doubt) };
  }
  if (commands.length === 0) throw new CountersignError("invalid_operation", "The command line is empty: it holds no command.");
  if (commands.length > maxCommands) {
    throw new CountersignError("operation_too_large", `The command line holds more than ${maxCommands} commands. Split it.`);
  }
  const parts = commands.map((one) => factsOf(one, tty));
  const whole = together(command, tty, parts);
  checkSize(whole);
  // A command of the shell itself that is not understood may change what every later one means: then none is decided alone.
  if (parts.some((part) => part.opaque && part.argv.some(isShellWord))) return { facts: freeze(whole) };
  const [only] = parts;
  return parts.length === 1 && only
    ? { facts: freeze({ ...only, command }) }
    : { facts: freeze(whole), parts: Object.freeze(parts.map(freeze)) };
}

/** The same command with a standard input. */
export function withInput({ facts, parts }: ClassifiedCommand, stdin: "captured" | "streamed"): ClassifiedCommand {
  const given = (one: SshFacts): SshFacts => Object.freeze({ ...one, stdin });
  // Each of the commands may read it.
  return { facts: given(facts), ...(parts && { parts: Object.freeze(parts.map(given)) }) };
}

/** What a file operation does: all of it is known, but where links lead. */
export function classifyFile({ action, path, to, content, streamed }: SshFile): SshFacts {
  // What a symbolic link points to is only a text; relative to it, not to where the login begins.
  const names = [path, ...(to === undefined ? [] : [to])];
  return freeze({
    ...nothing,
    command: fileText(action, names),
    paths: sorted(names.flatMap(spellings)),
    file: action,
    stdin: streamed ? "streamed" : content === undefined ? "none" : "captured",
    readOnly: readingFileActions.has(action),
    network: false,
    elevated: false,
    opaque: false,
  });
}

const readingFileActions: ReadonlySet<SshFile["action"]> = new Set(["read", "list", "stat", "read-link", "real-path"]);

function fileText(action: string, names: readonly string[]): string {
  return [action, ...names].join(" ");
}

/** What is known about a subsystem: nothing but its name. */
export function classifySubsystem(subsystem: string, streamed: boolean): SshFacts {
  // All that it does is to ask for its lines, each by itself (shell-line.ts).
  if (subsystem === guardedShell) return freeze({ ...nothing, subsystem, network: false, elevated: false, opaque: false });
  const stdin = streamed ? "streamed" : "none";
  if (subsystem === terminalSession)
    return freeze({ ...nothing, subsystem, stdin, tty: true, doubts: ["what is typed in a terminal session runs unseen"] });
  return freeze({ ...nothing, subsystem, stdin, doubts: [`what is done through the subsystem ${subsystem} is not seen`] });
}

function factsOf({ text, words, assignments, redirects, directory, piped }: Command, tty: boolean): SshFacts {
  const judged = judge(words, tty);
  const doubts = [...judged.doubts, ...assignments.flatMap(assignmentDoubt), ...redirects.flatMap(redirectDoubt)];
  if (directory === undefined) doubts.push("it runs in a folder that depends on whether an earlier cd worked");
  const opaque = doubts.length > 0;
  return {
    command: text,
    programs: sorted(judged.programs),
    argv: words,
    redirects: redirects.map(notation),
    paths: sorted([
      ...pathsIn(words.slice(1), directory ?? ""),
      ...redirects.flatMap(({ path, copies }) => (copies || path === undefined ? [] : spellings(path))),
    ]),
    directory: directory ?? "",
    piped,
    readOnly: judged.readOnly && !opaque && !redirects.some(writes),
    network: judged.network || opaque,
    elevated: judged.elevated || opaque,
    file: "",
    stdin: "none",
    subsystem: "",
    tty,
    opaque,
    doubts: sorted(doubts),
  };
}

function together(command: string, tty: boolean, parts: readonly SshFacts[]): SshFacts {
  return {
    command,
    programs: sorted(parts.flatMap((part) => part.programs)),
    argv: parts.flatMap((part) => part.argv),
    redirects: parts.flatMap((part) => part.redirects),
    paths: sorted(parts.flatMap((part) => part.paths)),
    directory: parts.at(-1)?.directory ?? "",
    piped: parts.some((part) => part.piped),
    readOnly: parts.every((part) => part.readOnly),
    network: parts.some((part) => part.network),
    elevated: parts.some((part) => part.elevated),
    file: "",
    stdin: "none",
    subsystem: "",
    tty,
    opaque: parts.some((part) => part.opaque),
    doubts: sorted(parts.flatMap((part) => part.doubts)),
  };
}

/** The shell would change the words before it runs anything. */
function unclear(command: string, tty: boolean, doubt: string): SshFacts {
  const facts = { ...nothing, command, tty, programs: sorted(programsSeen(command, tty)), doubts: [doubt] };
  checkSize(facts);
  return freeze(facts);
}

function assignmentDoubt({ name, value }: Command["assignments"][number]): string[] {
  return isHarmless(name, value) ? [] : [`${name} is set, which may change what runs`];
}

function redirectDoubt({ path, copies, operator }: Redirect): string[] {
  if (copies) return [];
  if (path === undefined) return ["a redirect to a file in a folder that is not certain"];
  // bash and ksh open a connection, other shells a file.
  if (/^\/+(?:\.\/+)*dev\/+(?:\.\/+)*(?:tcp|udp)(?:\/|$)/.test(path))
    return [`a redirect that is a connection to some shells (${operator} ${path})`];
  return [];
}

function writes({ operator, target, copies }: Redirect): boolean {
  return !copies && operator !== "<" && target !== "/dev/null";
}

function notation({ descriptor, operator, target, copies }: Redirect): string {
  return copies ? `${descriptor}${operator}&${target}` : `${descriptor}${operator} ${target}`;
}

function checkSize({ programs, argv, paths, redirects }: SshFacts): void {
  if (Math.max(programs.length, argv.length, paths.length, redirects.length) <= maxNames) return;
  throw new CountersignError("operation_too_large", `The command line has more than ${maxNames} words or names. Split it.`);
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

function freeze(facts: SshFacts): SshFacts {
  for (const value of Object.values(facts)) Object.freeze(value);
  return Object.freeze(facts);
}
