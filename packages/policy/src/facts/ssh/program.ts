import type { Usage } from "./usage.ts";

/** What is known of a program: one row of the tables in programs/. */
export interface Program {
  /** Calls that change nothing. */
  readonly reads?: Usage | readonly Usage[] | "always";
  /** Calls that change something, but run no other program. */
  readonly acts?: Usage | readonly Usage[] | "always";
  /** Calls by their sub-command, after global options. */
  readonly commands?: Commands;
  /** It starts the program that its operands name. */
  readonly runs?: Runs;
  /** It takes a script in a language of its own, which is looked at. */
  readonly script?: "awk" | "sed" | "find" | "printf";
  /** What else it may do, where a call is none of the above; absent: nothing but change things. */
  readonly opaque?: string;
  /** It reaches other hosts. */
  readonly network?: true;
  /** It acts as somebody else. */
  readonly elevates?: true;
  /**
   * At a terminal it shows its output in a pager or asks for commands, and either can start any program. `always`, or the option of a
   * reading call that keeps it from that.
   */
  readonly pages?: "always" | `-${string}`;
  /** Its arguments set variables for everything that follows (`NAME=value`); only those of environment.ts are understood. */
  readonly assigns?: true;
  /** A command of the shell itself: it has no meaning under a path or for a program that starts others. */
  readonly builtin?: true;
}

/** Sub-commands: `docker -l debug ps -a`. */
export interface Commands {
  /** Before the sub-command. */
  readonly options?: Usage;
  /** Sub-commands that read, and how they may be called. */
  readonly read: Readonly<Record<string, Usage | Commands>>;
  /** Sub-commands that change something but run no other program, and how they may be called. */
  readonly act?: Readonly<Record<string, Usage>>;
  /** Sub-commands that may run programs, and what they run. */
  readonly opaque?: Readonly<Record<string, string>>;
}

/** A program that starts another one. */
export interface Runs {
  /** Its own options; all others make it opaque. */
  readonly usage: Usage;
  /** What the operands before the other program look like (`timeout 5 ls`). */
  readonly before?: readonly RegExp[];
  /** Assignments may stand before the other program. */
  readonly assignments?: true;
  /** Options that keep it from being read-only. */
  readonly changes?: readonly string[];
}
