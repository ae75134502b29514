/** Characters that no POSIX shell gives a meaning to, wherever in a word they stand. `=` and `~` are not among them: `A=b` assigns. */
const plain = /^[A-Za-z0-9_@%+:,./-]+$/;

/** Words that are no program's name where a command begins (POSIX.1-2024, 2.4, and those of bash and zsh). */
const reserved: ReadonlySet<string> = new Set(
  "if then else elif fi do done case esac while until for in time function select coproc".split(" "),
);

/** One command line that a POSIX shell takes apart into exactly these arguments, none of them expanded. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word, index) =>
      plain.test(word) && !(index === 0 && reserved.has(word)) ? word : `'${word.replaceAll("'", "'\\''")}'`,
    )
    .join(" ");
}
