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
export function nameOf(program: string): string {
  const slash = program.lastIndexOf("/");
  return slash >= 0 && standardFolders.has(program.slice(0, slash)) ? program.slice(slash + 1) : program;
}

/** Finds out what a program does with these arguments. */
export function judge(words: readonly string[], tty: boolean): Judgement {
  return judgeProgram(words, { tty, depth: 0 });
}

function judgeProgram([program = "", ...args]: readonly string[], way: Way): Judgement {
  const name = nameOf(program);
  const base: Judgement = { programs: [name], readOnly: false, network: false, elevated: false, doubts: [] };
  const row = programs.get(name);
  const known = row && !(row.builtin && (way.depth > 0 || program.includes("/"))) ? row : undefined;
  if (!/^[\w./][\w./+:@,-]*$/.test(name) && !known)
    return unknown(base, [`a program with an unusual name: ${JSON.stringify(name)}`]);
  if (way.depth > maxDepth) return unknown(base, ["programs that start each other too deeply"]);
  if (!known) {
    const own = !program.includes("/") && (isShellWord(name) || row?.builtin);
    return own
      ? unknown(base, [`${name} is a command of the shell itself that is not understood here`])
      : { ...base, network: true };
  }
  const found = judgeKnown(name, args, known, way);
  const network = found.network || known.network === true;
  const elevated = found.elevated || known.elevates === true;
  const doubts = [...found.doubts, ...pagerDoubt(name, args, known, way)];
  return { programs: [name, ...found.programs], readOnly: found.readOnly && doubts.length === 0, network, elevated, doubts };
}

const reading: Judgement = { programs: [], readOnly: true, network: false, elevated: false, doubts: [] };
const acting: Judgement = { ...reading, readOnly: false };

function judgeKnown(name: string, args: readonly string[], row: Program, way: Way): Judgement {
  if (fitsAny(args, row.reads)) return reading;
  if (fitsAny(args, row.acts)) return acting;
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
  if (Object.hasOwn(act, command)) return act[command] && fits(rest, act[command]) ? "acts" : undefined;
  const usage = Object.hasOwn(read, command) ? read[command] : undefined;
  if (usage === undefined) return undefined;
  if ("read" in usage) return judgeCommand(rest, usage);
  return fits(rest, usage) ? "reads" : undefined;
}

function judgeScript(name: string, args: readonly string[], script: NonNullable<Program["script"]>, way: Way): Judgement {
  if (script === "find") return judgeFind(args, way);
  const readers = { awk: readAwk, sed: readSed, printf: readPrintf } as const;
  const found = readers[script](args);
  if (found !== undefined) return found === "reads" ? reading : acting;
  return unknown(acting, [`${name} takes a script that may start programs or write files`]);
}

function judgeFind(args: readonly string[], way: Way): Judgement {
  const actions = readFind(args);
  if (!actions) return unknown(acting, ["find with a test or an action that is not understood"]);
  const started = actions.programs.map((words) => judgeInner(words, way));
  const all = merge([actions.changes ? acting : reading, ...started]);
  return all;
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

function pagerDoubt(name: string, args: readonly string[], { pages }: Program, { tty }: Way): readonly string[] {
  if (!tty || pages === undefined || pages.split(" ").some((option) => args.includes(option))) return [];
  return [`${name} lets whoever is at the terminal start other programs`];
}

function unknown(base: Judgement, doubts: readonly string[]): Judgement {
  return { ...base, readOnly: false, network: true, elevated: true, doubts };
}

/** Of several programs together. */
export function merge(all: readonly Judgement[]): Judgement {
  return {
    programs: all.flatMap((one) => one.programs),
    readOnly: all.every((one) => one.readOnly),
    network: all.some((one) => one.network),
    elevated: all.some((one) => one.elevated),
    doubts: all.flatMap((one) => one.doubts),
  };
}
