/**
 * Where the next command of a text runs, as far as that is certain. `cd x && ls` runs ls in x or not at all; after `cd x; ls` nobody knows
 * where ls runs, because a `cd` that fails changes nothing.
 */
export class Directory {
  /** Empty is where the login begins; undefined is not certain. */
  current: string | undefined;
  /** How often a `cd` was seen. */
  changes = 0;
  readonly #outer: Directory | undefined;

  constructor(current: string | undefined = "", outer?: Directory) {
    this.current = current;
    this.#outer = outer;
  }

  /** A sub-shell starts where it stands and leaves no trace. */
  inSubshell(): Directory {
    return new Directory(this.current);
  }

  /** Some shells run the last command of a pipeline in themselves, some do not: a `cd` in one is certain of nothing. */
  inPipeline(): Directory {
    return new Directory(this.current, this);
  }

  /** What runs after this command runs only if it worked. */
  run([program, ...operands]: readonly string[]): void {
    if (program !== "cd") return;
    this.changes++;
    this.current = this.#outer ? undefined : this.#after(operands);
    this.#outer?.run(["cd", "-"]);
  }

  /** What runs next may do so although a `cd` since then failed. */
  doubtSince(changes: number): void {
    if (this.changes > changes) this.current = undefined;
  }

  #after([to, ...more]: readonly string[]): string | undefined {
    if (to === undefined) return "~";
    if (more.length > 0 || to === "" || /^[-+~]/.test(to)) return undefined;
    return joined(this.current, to);
  }
}

/** A name as it is meant in a folder; undefined where that is not certain. */
export function joined(directory: string | undefined, name: string): string | undefined {
  if (name.startsWith("/") || directory === "") return name;
  return directory === undefined ? undefined : `${directory.replace(/\/+$/, "")}/${name}`;
}
