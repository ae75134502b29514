/**
 * A way to call a program that is understood. Everything that is not named here does not fit: an option that is unknown, abbreviated or
 * has a value where none belongs, an operand too many.
 */
export interface Usage {
  /** Separated by blanks: `-l`, `-n:` (takes a value), `--all`, `--lines=` (takes one), `--color=?` (may have one), `-name:` (one word). */
  readonly options?: string;
  /** What the values of these options look like; any value otherwise. */
  readonly values?: Readonly<Record<string, RegExp>>;
  /** At least one of these must be there. */
  readonly needs?: string;
  /** At most so many; default any number. */
  readonly operands?: number;
  /** At least so many; default none. */
  readonly least?: number;
  /** What each operand looks like. */
  readonly operand?: RegExp;
  /** Instead of all this: what each argument looks like, whatever it is. */
  readonly every?: RegExp;
  /** `-5` is an option. */
  readonly numbers?: true;
  /** The first argument may hold options without a dash (`tar tf x`). */
  readonly bundled?: true;
}

/** A command line taken apart. */
export interface Arguments {
  readonly options: readonly { readonly name: string; readonly value?: string }[];
  readonly operands: readonly string[];
}

interface Known {
  /** Name with its dashes → whether it takes a value. */
  readonly options: ReadonlyMap<string, "no" | "yes" | "maybe">;
  readonly needs: readonly string[];
}

const known = new WeakMap<Usage, Known>();

function knownOf(usage: Usage): Known {
  let found = known.get(usage);
  if (!found) {
    const options = split(usage.options).map((text) => {
      const [, name = "", sign = ""] = /^(-.*?)(=\?|=|:)?$/.exec(text) ?? [];
      return [name, sign === "=?" ? "maybe" : sign === "" ? "no" : "yes"] as const;
    });
    found = { options: new Map(options), needs: split(usage.needs) };
    known.set(usage, found);
  }
  return found;
}

function split(text = ""): string[] {
  return text.split(" ").filter((part) => part !== "");
}

/** Whether arguments are of this usage. */
export function fits(args: readonly string[], usage: Usage): boolean {
  if (usage.every) return args.every((arg) => usage.every?.test(arg));
  const read = readArguments(args, usage, false);
  return read !== undefined && allowed(read, usage);
}

/** Whether arguments that were taken apart are of this usage. */
export function allowed({ options, operands }: Arguments, usage: Usage): boolean {
  const { needs } = knownOf(usage);
  if (needs.length > 0 && !options.some(({ name }) => needs.includes(name))) return false;
  if (operands.length > (usage.operands ?? Number.POSITIVE_INFINITY) || operands.length < (usage.least ?? 0)) return false;
  if (!options.every(({ name, value }) => value === undefined || (usage.values?.[name]?.test(value) ?? true))) return false;
  return operands.every((operand) => usage.operand?.test(operand) ?? true);
}

/**
 * Takes arguments apart by the options of a usage; undefined when one is unknown. With `ordered`, options end at the first operand, and all
 * that follows is operands (as wrappers of other programs do); otherwise they may stand anywhere (as GNU programs do). A value that begins
 * with a dash must be a number: whether a program takes it for a value or for an option is not worth guessing.
 */
export function readArguments(args: readonly string[], usage: Usage, ordered: boolean): Arguments | undefined {
  const { options: names } = knownOf(usage);
  const options: { name: string; value?: string }[] = [];
  const operands: string[] = [];
  const rest = [...args];
  if (usage.bundled && /^[A-Za-z]+$/.test(rest[0] ?? "")) rest[0] = `-${rest[0]}`;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      operands.push(...rest);
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      operands.push(arg);
      if (!ordered) continue;
      operands.push(...rest);
      break;
    }
    if (usage.numbers && /^-[0-9]+$/.test(arg)) continue;
    const found = arg.startsWith("--") || names.has(arg) ? whole(arg, names, rest) : cluster(arg, names, rest);
    if (!found) return undefined;
    options.push(...found);
  }
  return { options, operands };
}

/** `--lines=5`, `--lines 5`, `-name x`. */
function whole(arg: string, names: Known["options"], rest: string[]): Arguments["options"] | undefined {
  const split = arg.startsWith("--") ? arg.indexOf("=") : -1;
  const name = split < 0 ? arg : arg.slice(0, split);
  const takes = names.get(name);
  if (takes === undefined || (takes === "no" && split >= 0)) return undefined;
  if (split >= 0) return [{ name, value: arg.slice(split + 1) }];
  if (takes !== "yes") return [{ name }];
  const value = separateValue(rest);
  return value === undefined ? undefined : [{ name, value }];
}

/** `-la`, `-n5`, `-n 5`. */
function cluster(arg: string, names: Known["options"], rest: string[]): Arguments["options"] | undefined {
  const found: { name: string; value?: string }[] = [];
  for (let at = 1; at < arg.length; at++) {
    const name = `-${arg[at]}`;
    const takes = names.get(name);
    if (takes === undefined) return undefined;
    if (takes === "no") {
      found.push({ name });
      continue;
    }
    const value = at + 1 < arg.length ? arg.slice(at + 1) : separateValue(rest);
    if (value === undefined) return undefined;
    found.push({ name, value });
    break;
  }
  return found;
}

function separateValue(rest: string[]): string | undefined {
  const value = rest.shift();
  return value === undefined || /^-(?![0-9]+$)./.test(value) ? undefined : value;
}

/** Whether arguments are of one of these usages. */
export function fitsAny(args: readonly string[], usages: Usage | readonly Usage[] | "always" | undefined): boolean {
  if (usages === undefined) return false;
  if (usages === "always") return true;
  return "length" in usages ? usages.some((usage) => fits(args, usage)) : fits(args, usages);
}
