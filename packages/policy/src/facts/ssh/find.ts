/** What a call of `find` does besides listing. */
export interface FindActions {
  /** Programs that it starts for what it finds, with `{}` for the names. */
  readonly programs: readonly (readonly string[])[];
  readonly changes: boolean;
}

/** Tests, options and actions of find, by how many values follow; those that only look. */
const looks: ReadonlyMap<string, number> = new Map([
  ...[
    "-a",
    "-and",
    "-o",
    "-or",
    "-not",
    "!",
    "(",
    ")",
    ",",
    "-print",
    "-print0",
    "-ls",
    "-prune",
    "-quit",
    "-empty",
    "-readable",
  ].map((name) => [name, 0] as const),
  ...["-writable", "-executable", "-xdev", "-mount", "-depth", "-d", "-daystart", "-follow", "-nouser", "-nogroup", "-true"].map(
    (name) => [name, 0] as const,
  ),
  ...["-false", "-noleaf", "-ignore_readdir_race", "-warn", "-nowarn"].map((name) => [name, 0] as const),
  ...[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-regextype",
    "-type",
    "-xtype",
  ].map((name) => [name, 1] as const),
  ...[
    "-size",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-anewer",
    "-cnewer",
    "-newermt",
    "-newerct",
  ].map((name) => [name, 1] as const),
  ...["-maxdepth", "-mindepth", "-user", "-group", "-uid", "-gid", "-perm", "-links", "-inum", "-samefile", "-lname"].map(
    (name) => [name, 1] as const,
  ),
  ...["-ilname", "-fstype", "-used", "-printf"].map((name) => [name, 1] as const),
]);

/** Actions that change files, by how many values follow. */
const changes: ReadonlyMap<string, number> = new Map([
  ["-delete", 0],
  ["-fprint", 1],
  ["-fprint0", 1],
  ["-fls", 1],
  ["-fprintf", 2],
]);

/** Stands for a name that find finds: not an option, and nothing that a script could be. */
const foundName = "./\u0001";

/** Takes the arguments of `find` apart; undefined when one is not known. */
export function readFind(args: readonly string[]): FindActions | undefined {
  const programs: string[][] = [];
  let changing = false;
  let at = 0;
  while (/^-[HLP]$/.test(args[at] ?? "")) at++;
  while (at < args.length && !/^[-(!,)]/.test(args[at] ?? "")) at++;
  while (at < args.length) {
    const name = args[at] ?? "";
    if (name === "-exec") {
      const end = endOfProgram(args, at + 1);
      if (end === undefined) return undefined;
      const words = args.slice(at + 1, end);
      // Inside a longer word `{}` is replaced by some and not by others; as the program it would be what was found.
      if (words[0] === "{}" || words.some((word) => word !== "{}" && word.includes("{}"))) return undefined;
      programs.push(words.map((word) => (word === "{}" ? foundName : word)));
      at = end + 1;
      continue;
    }
    const values = looks.get(name) ?? changes.get(name);
    if (values === undefined || at + values >= args.length) return undefined;
    changing ||= changes.has(name);
    at += 1 + values;
  }
  return { programs, changes: changing };
}

/** Where `;` or `{} +` ends a program. */
function endOfProgram(args: readonly string[], from: number): number | undefined {
  for (let at = from; at < args.length; at++) {
    if (args[at] === ";" || (args[at] === "+" && args[at - 1] === "{}")) return at > from ? at : undefined;
  }
  return undefined;
}
