import { readArguments, type Usage } from "./usage.ts";

/** Whether a call of a program with a script in its own language is known to read only, known to act, or neither. */
export type Reading = "reads" | "acts" | undefined;

/** `printf FORMAT …`: to zsh and ksh93 an argument for a number is arithmetic (`printf %d PATH=3` sets PATH); to bash `-v` sets a variable. */
export function readPrintf([format, ...values]: readonly string[]): Reading {
  if (format === undefined || format.startsWith("-")) return undefined;
  if (/^(?:[^%]|%%|%-?[0-9]*[sb])*$/.test(format)) return "reads";
  const numbers = values.every((value) => /^[0-9]+(?:\.[0-9]+)?$/.test(value));
  return numbers && /^(?:[^%]|%%|%-?[0-9]*(?:\.[0-9]+)?[sbduxof])*$/.test(format) ? "reads" : undefined;
}

const awkUsage = { options: "-F: -v:" } satisfies Usage;

/**
 * `awk 'SCRIPT' FILE…` where the script can neither start a program nor write a file. What could is recognised by the letters it cannot
 * do without, whatever they mean where they stand: `system`, `getline`, `|`, `@` (gawk's include, load and indirect call), ARGV (other
 * files), and `>` after the first brace (before it there is no print that it could redirect).
 */
export function readAwk(args: readonly string[]): Reading {
  const read = readArguments(args, awkUsage, true);
  const [script, ...files] = read?.operands ?? [];
  // gawk opens connections for files named /inet/….
  if (script === undefined || files.some((file) => file.includes("/inet")) || !/^[\t\n -~]*$/.test(script)) return undefined;
  const actions = script.slice(Math.max(0, script.indexOf("{")));
  const suspect = /system|getline|ARGV|ARGC|PROCINFO|close|@|\\\n/.test(script) || script.replaceAll("||", "").includes("|");
  const redirects = script.includes("{") ? actions.includes(">") : /print/.test(script);
  return suspect || redirects ? undefined : "reads";
}

const sedUsage = {
  options:
    "-n -e: -E -r -s -u -z -i --quiet --silent --expression= --regexp-extended --separate --unbuffered --null-data --in-place=? --posix",
} satisfies Usage;

// A bracket may hold neither a slash nor a backslash: sed programs do not agree on whether those end the pattern.
const sedPattern = String.raw`(?:[^/\\\n\[]|\\[^\n/]|\[\^?\]?[^\]\\/\n]*\])*`;
const sedAddress = String.raw`(?:[0-9]+|\$|/${sedPattern}/I?)`;
const sedReplacement = String.raw`(?:[^/\\\n]|\\[^\n/])*`;
/** `10,20p`, `$d`, `/a/,/b/!p`, `s/a/b/g`: no `w`, `e`, `r` or anything whose end sed programs see in different places. */
const sedCommand = new RegExp(
  String.raw`^(?:${sedAddress}(?:,(?:${sedAddress}|\+[0-9]+))?!?\s*)?(?:[pdq=]|s/${sedPattern}/${sedReplacement}/[gpI0-9]*|\{[pdq=](?:;[pdq=])*;?\})$`,
);

/** `sed 'SCRIPT' FILE…` of plain commands. */
export function readSed(args: readonly string[]): Reading {
  // `-i.bak` has a suffix, `-ni` and `-in` are not worth telling apart.
  const own = args.map((arg) => (/^-i\.[A-Za-z0-9]+$/.test(arg) ? "-i" : arg));
  if (own.some((arg) => /^-[A-Za-z]*i/.test(arg) && arg !== "-i")) return undefined;
  const read = readArguments(own, sedUsage, true);
  if (!read || read.operands.some((operand) => operand.startsWith("-") && operand !== "-")) return undefined;
  const given = read.options.filter(({ name }) => name === "-e" || name === "--expression").map(({ value = "" }) => value);
  const scripts = given.length > 0 ? given : read.operands.slice(0, 1);
  if (scripts.length === 0 || !scripts.every(isPlainSed)) return undefined;
  return read.options.some(({ name }) => name === "-i" || name === "--in-place") ? "acts" : "reads";
}

function isPlainSed(script: string): boolean {
  return sedCommand.test(script) || script.split(";").every((one) => one.trim() === "" || sedCommand.test(one.trim()));
}
