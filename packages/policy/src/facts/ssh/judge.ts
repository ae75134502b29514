import { isHarmless } from "./environment.ts";
import { readFind } from "./find.ts";
import type { Commands, Program, Runs } from "./program.ts";
import { isShellWord, programs } from "./programs.ts";
import { readAwk, readPrintf, readSed } from "./scripts.ts";
import { allowed, fits, fitsAny, readArguments } from "./usage.ts";

/** What is known about a program with its arguments. */
export interface Judgement {
  /** Those that are or may be started, as facts name them. */
  readonly programs: readonly string[];
  readonly readOnly: boolean;
  readonly network: boolean;
  readonly elevated: boolean;
  readonly doubts: readonly string[];
}

/** How a program is started. */
interface Way {
  readonly tty: boolean;
  /** How many programs have started each other. */
  readonly depth: number;
}

const maxDepth = 5;

const standardFolders: ReadonlySet<string> = new Set([
  "/bin",
  "/sbin",
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
]);

/** The name of a program in facts: bare where it is one of the system's own, otherwise as it was given. */
function nameOf(program: string): string {
  const slash = program.lastIndexOf("/");
  return slash >= 0 && standardFolders.has(program.slice(0, slash)) ? program.slice(slash + 1) : program;
}

/** Finds out what a program does with these arguments. */
export function judge(words: readonly string[], tty: boolean): Judgement {
  return judgeProgram(words, { tty, depth: 0 });
}

function judgeProgram([program = "", ...args]: readonly string[], way: Way): Judgement {
  const name = nameOf(program);
  const base: Judgement = { programs: [name], readOnly: false, network: true, elevated: false, doubts: [] };
  if (way.depth > maxDepth) return unknown(base, ["programs that start each other too deeply"]);
  const known = programs.get(name);
  // What is built into the shell has no meaning under a path, and is not what another program finds.
  if (known && !(known.builtin && (way.depth > 0 || program.includes("/")))) return judgeKnown(name, args, known, way);
  const doubt = doubtAbout(name);
  return doubt === undefined ? base : unknown(base, [doubt]);
}

/** Why a program that is not known is more than that. */
function doubtAbout(name: string): string | undefined {
  if (!/^[\w./][\w./+:@,-]*$/.test(name)) return "a program with an unusual name";
  if (!name.includes("/")) {
    if (isShellWord(name) || programs.has(name)) return `${name} is a command of the shell itself that is not understood here`;
    const kind = unversioned(name);
    return programs.has(kind) ? `${name} may be a kind of ${kind}` : undefined;
  }
  // `/usr/local/../bin/rm` would not be found by a rule about rm, `/tmp/ls` is not ls.
  if (/\/\/|\/\.{0,2}(?:\/|$)|^\.\.\//.test(name)) return "a program under a path that is not plain";
  const base = unversioned(name.slice(name.lastIndexOf("/") + 1));
  return programs.has(base) ? `${name} has the name of ${base}, but is not where that is` : undefined;
}

/** `python3.11` is python3, `gawk-5.1` is gawk. */
function unversioned(name: string): string {
  return programs.has(name) ? name : name.replace(/[-.]?[0-9]+(?:\.[0-9]+)*$/, "").replace(/^(?:python|pip)$/, "$&3");
}

function judgeKnown(name: string, args: readonly string[], row: Program, way: Way): Judgement {
  const found = judgeCall(name, args, row, way);
  const pages = way.tty && row.pages !== undefined && !(found.readOnly && namesOption(args, row.pages));
  const doubts = pages ? [...found.doubts, `${name} lets whoever is at the terminal start other programs`] : found.doubts;
  return {
    programs: [name, ...found.programs],
    readOnly: found.readOnly && doubts.length === 0,
    network: found.network || row.network === true,
    elevated: found.elevated || row.elevates === true,
    doubts,
  };
}

function namesOption(args: readonly string[], option: string): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes(option);
}

const reading: Judgement = { programs: [], readOnly: true, network: false, elevated: false, doubts: [] };
const acting: Judgement = { ...reading, readOnly: false };

function judgeCall(name: string, args: readonly string[], row: Program, way: Way): Judgement {
  if (fitsAny(args, row.reads)) return reading;
  if (fitsAny(args, row.acts)) return acting;
  if (row.assigns) return judgeAssignments(name, args);
  if (row.script) return judgeScript(name, args, row.script, way);
  if (row.runs) return judgeRunner(name, args, row.runs, way);
  const doubt = row.commands && judgeCommand(args, row.commands);
  if (doubt === "reads") return reading;
  if (doubt === "acts") return acting;
  if (doubt !== undefined) return unknown(acting, [`${name} ${doubt}`]);
  return row.opaque === undefined ? acting : unknown(acting, [`${name} ${row.opaque}`]);
}

/** `reads`, `acts`, why it is opaque, or undefined when it is not known. */
function judgeCommand(args: readonly string[], { options = {}, read, act = {}, opaque = {} }: Commands): string | undefined {
  const before = readArguments(args, options, true);
  const [command = "", ...rest] = before?.operands ?? [];
  // Where a global option is unknown, any word may be the sub-command.
  const why = (before ? [command] : args).find((word) => Object.hasOwn(opaque, word));
  if (why !== undefined) return opaque[why];
  if (!before || !allowed({ ...before, operands: [] }, options)) return undefined;
  const usage = Object.hasOwn(read, command) ? read[command] : undefined;
  if (usage !== undefined) {
    if ("read" in usage) return judgeCommand(rest, usage);
    if (fits(rest, usage)) return "reads";
  }
  const acts = Object.hasOwn(act, command) ? act[command] : undefined;
  return acts !== undefined && fits(rest, acts) ? "acts" : undefined;
}

function judgeScript(name: string, args: readonly string[], script: NonNullable<Program["script"]>, way: Way): Judgement {
  if (script === "find") return judgeFind(args, way);
  const readers = { awk: readAwk, sed: readSed, printf: readPrintf } as const;
  const found = readers[script](args);
  if (found !== undefined) return found === "reads" ? reading : acting;
  return unknown(acting, [`${name} takes a script that may start programs or write files`]);
}

function judgeAssignments(name: string, args: readonly string[]): Judgement {
  if (args.length === 0) return unknown(acting, [`${name} without a variable`]);
  const doubts = args.flatMap((arg) => {
    const [, variable, value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(arg) ?? [];
    if (variable === undefined) return [`${name} with an argument that sets no variable`];
    return isHarmless(variable, value) ? [] : [`${name} sets ${variable}, which may change what runs`];
  });
  return doubts.length === 0 ? reading : unknown(acting, doubts);
}

function judgeFind(args: readonly string[], way: Way): Judgement {
  const actions = readFind(args);
  if (!actions) return unknown(acting, ["find with a test or an action that is not understood"]);
  const started = actions.programs.map((words) => judgeInner(words, way));
  return merge([actions.changes ? acting : reading, ...started]);
}

function judgeRunner(
  name: string,
  args: readonly string[],
  { usage, before = [], assignments, changes = [] }: Runs,
  way: Way,
): Judgement {
  const read = readArguments(args, usage, true);
  if (!read || !allowed({ ...read, operands: [] }, usage))
    return unknown(acting, [`${name} with options that are not understood`]);
  const words = [...read.operands];
  for (const pattern of before) {
    const operand = words.shift();
    if (operand === undefined || !pattern.test(operand))
      return unknown(acting, [`${name} with an operand that is not understood`]);
  }
  while (assignments && /^[A-Za-z_]\w*=/.test(words[0] ?? "")) {
    const [variable = "", ...value] = (words.shift() ?? "").split("=");
    if (!isHarmless(variable, value.join("="))) return unknown(acting, [`${name} sets ${variable}, which may change what runs`]);
  }
  if (words.length === 0) return unknown(acting, [`${name} without a program that it starts`]);
  const inner = judgeInner(words, way);
  return read.options.some((option) => changes.includes(option.name)) ? merge([acting, inner]) : inner;
}

function judgeInner(words: readonly string[], { tty, depth }: Way): Judgement {
  return judgeProgram(words, { tty, depth: depth + 1 });
}

function unknown(base: Judgement, doubts: readonly string[]): Judgement {
  return { ...base, readOnly: false, network: true, elevated: true, doubts };
}

/** Of several programs together. */
function merge(all: readonly Judgement[]): Judgement {
  return {
    programs: all.flatMap((one) => one.programs),
    readOnly: all.every((one) => one.readOnly),
    network: all.some((one) => one.network),
    elevated: all.some((one) => one.elevated),
    doubts: all.flatMap((one) => one.doubts),
  };
}
