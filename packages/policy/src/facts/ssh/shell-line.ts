import { CountersignError } from "../../outcome.ts";
import { completeness } from "./completeness.ts";
import { programs } from "./programs.ts";
import { type Command, commandsOf } from "./syntax.ts";
import { Unclear } from "./tokens.ts";

/** What a guarded shell keeps between its lines. */
export interface ShellSetting {
  /** Absolute, as the target itself named it; empty is where the login begins. */
  readonly directory: string;
  readonly variables: ReadonlyMap<string, string>;
}

/** What a line is to a guarded shell. */
export type ShellLine =
  | { readonly type: "blank" }
  /** More has to follow: a quote is open, an operator has no right side, or it ends with a backslash. */
  | { readonly type: "unfinished" }
  /** Never sent. */
  | { readonly type: "refused"; readonly why: string }
  /** Without `to`: where the login begins; `-`: where it was before. */
  | { readonly type: "cd"; readonly to?: string }
  /** None: tells what is exported. */
  | { readonly type: "export"; readonly variables: readonly (readonly [name: string, value: string])[] }
  | { readonly type: "unset"; readonly names: readonly string[] }
  | { readonly type: "exit"; readonly status?: number }
  /** `echo $?` */
  | { readonly type: "status" }
  | { readonly type: "pwd" | "history" | "help" }
  | { readonly type: "command" };

/** An approver has to read it; and the parser's time grows with the square of some texts: this much takes it 40 ms at worst. */
export const mostLineBytes = 4096;
const mostVariables = 32;
const mostVariableBytes = 1024;

/** They say what is run or how a line is read, whatever their value is: a line would not be what the approver sees. */
const decisive =
  /^(?:PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|PS[0-4]|CDPATH|HOME|SHELL|FPATH|ZDOTDIR|ZSH_.*|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*|GLIBC_.*|PERL.*|PYTHON.*|RUBY.*|NODE_.*|JAVA_.*|.*JDK_.*|.*_OPTIONS|GIT_.*|SSH_.*|EDITOR|VISUAL|LESS.*|OPTIND|POSIXLY_CORRECT|_)$/;

/** Commands of the guarded shell itself, for completion. */
export const shellBuiltins: readonly string[] = ["cd", "exit", "export", "help", "history", "pwd", "unset"];

/** Every program that classification knows, for completion. */
export const knownPrograms: readonly string[] = [...programs.keys()].filter((name) => /^[\w-]+$/.test(name)).sort();

/** What a guarded shell makes of a line. Commands of its own are only those in a plain, literal form; everything else is a command for the target. */
export function readShellLine(text: string): ShellLine {
  if (Buffer.byteLength(text) > mostLineBytes) return { type: "refused", why: `A line may have ${mostLineBytes} bytes.` };
  if (/^\s*echo\s+("?)\$\?\1\s*$/.test(text)) return { type: "status" };
  const home = /^\s*cd\s+~(?:\/([\w./-]*))?\s*$/.exec(text);
  if (home) return home[1] ? { type: "cd", to: home[1].replace(/^\/+/, "") } : { type: "cd" };
  if (endsWithBackslash(text)) return { type: "unfinished" };
  const state = completeness(text);
  if (state !== "whole") return { type: state };
  let commands: readonly Command[];
  try {
    commands = commandsOf(text);
  } catch (error) {
    if (error instanceof CountersignError) return { type: "command" };
    if (!(error instanceof Unclear)) throw error;
    // Its end could not be told from the braces around the line.
    if (/<<(?!<)/.test(text.replaceAll("<<<", "")))
      return { type: "refused", why: "A line here takes no text for standard input (<<): its commands have none." };
    return { type: "command" };
  }
  // `!` alone runs nothing.
  if (commands.length === 0) return { type: "blank" };
  return isPlain(text, commands) ? builtin(commands[0]?.words ?? []) : { type: "command" };
}

/** One simple command with nothing around it: no redirect, no variable before it, no group that would keep its effect to itself. */
function isPlain(text: string, [only, ...more]: readonly Command[]): boolean {
  return (
    only !== undefined &&
    more.length === 0 &&
    only.redirects.length === 0 &&
    only.assignments.length === 0 &&
    only.text === text.trim()
  );
}

function builtin([name, ...given]: readonly string[]): ShellLine {
  const args = given[0] === "--" ? given.slice(1) : given;
  switch (name) {
    case "cd":
      if (args.length > 1 || (args[0]?.startsWith("-") && args[0] !== "-")) return { type: "command" };
      return args[0] === undefined ? { type: "cd" } : { type: "cd", to: args[0] };
    case "export":
      return exporting(args);
    case "unset":
      return args.length > 0 && args.every((arg) => /^[A-Za-z_]\w*$/.test(arg))
        ? { type: "unset", names: args }
        : { type: "refused", why: "unset takes names of variables here." };
    case "exit":
    case "logout":
      if (args.length === 0) return { type: "exit" };
      return args.length === 1 && /^[0-9]{1,3}$/.test(args[0] ?? "")
        ? { type: "exit", status: Number(args[0]) % 256 }
        : { type: "refused", why: "exit takes one number." };
    case "pwd":
    case "history":
    case "help":
      return args.length === 0 ? { type: name } : { type: "command" };
    default:
      return { type: "command" };
  }
}

function exporting(args: readonly string[]): ShellLine {
  const variables: (readonly [string, string])[] = [];
  for (const arg of args) {
    const [, name, value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(arg) ?? [];
    if (name === undefined) return { type: "refused", why: "export takes NAME=value here." };
    if (decisive.test(name))
      return { type: "refused", why: `${name} says what runs, or how a line is read: it cannot be exported here.` };
    if (/[\p{Cc}\p{Cf}]/u.test(value)) return { type: "refused", why: `The value of ${name} has characters that nobody sees.` };
    if (Buffer.byteLength(value) > mostVariableBytes)
      return { type: "refused", why: `The value of ${name} has more than ${mostVariableBytes} bytes.` };
    variables.push([name, value]);
  }
  return { type: "export", variables };
}

/** With these variables too; undefined where there would be too many of them. */
export function withVariables(
  { directory, variables }: ShellSetting,
  more: readonly (readonly [name: string, value: string])[],
): ShellSetting | undefined {
  const all = new Map([...variables, ...more]);
  return all.size > mostVariables ? undefined : { directory, variables: all };
}

/**
 * The command line that a line is sent as: it runs in the shell's directory with its variables, or not at all. What it does is found out from
 * exactly this text, so that neither changes what the line means unseen. Each command has the standard input of the whole: none.
 */
export function composeShellLine({ directory, variables }: ShellSetting, text: string): string {
  const before = [
    ...(directory === "" ? [] : [`cd ${quoted(directory)}`]),
    ...(variables.size === 0 ? [] : [`export ${[...variables].map(([name, value]) => `${name}=${quoted(value)}`).join(" ")}`]),
  ].join(" && ");
  if (before === "") return text;
  return isSimple(text) ? `${before} && ${text.trim()}` : `${before} && {\n${text}\n}`;
}

/** The command line that finds out where `cd` leads; its output is the directory. Relative names begin with a dot, so that CDPATH is not looked at. */
export function composeChange(setting: ShellSetting, to: string): string {
  const from = setting.directory === "" ? "." : setting.directory;
  const name = to.startsWith("/") ? to : `${from.replace(/\/$/, "")}/${to}`;
  return `cd ${quoted(name)} && pwd -P`;
}

/** The one line of a directory's absolute name; undefined for any other output. */
export function directoryNamed(output: string): string | undefined {
  const [, name] = /^(\/[^\n]*)\n$/.exec(output) ?? [];
  return name === undefined || Buffer.byteLength(name) > 4096 || /[\p{Cc}\p{Cf}\uFFFD]/u.test(name) ? undefined : name;
}

function isSimple(text: string): boolean {
  try {
    const [only, ...more] = commandsOf(text);
    return more.length === 0 && only?.text === text.trim();
  } catch {
    return false;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function endsWithBackslash(text: string): boolean {
  return ((/\\*$/.exec(text)?.[0].length ?? 0) & 1) === 1;
}
