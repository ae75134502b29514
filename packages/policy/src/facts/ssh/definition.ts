import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about a command over SSH. The CEL environment, the type {@link SshFacts} and the documentation come from this table. */
export const sshFacts = {
  command: { type: "string", description: "The command line as it was sent; of a part, the text of that command alone." },
  programs: {
    type: "list<string>",
    description:
      "Every program that is or may be started, also by another one: `sudo systemctl …` lists both. The bare name where it is found on the search path or in `/bin`, `/usr/bin` and their like; otherwise the path as it was given: `/tmp/ls`. Where `opaque`, only those that could be seen.",
  },
  argv: {
    type: "list<string>",
    description:
      "The program and its arguments exactly as they are passed, in order; of a whole text, those of all its commands one after the other. Empty where the shell would change the words.",
  },
  redirects: {
    type: "list<string>",
    description:
      "Redirects in order, e.g. `> /etc/motd`, `2>> err.log`, `< in`, `2>&1`. An allow rule must look at them when one writes anything but `/dev/null`, or reads for a command that is not `readOnly`.",
  },
  paths: {
    type: "list<string>",
    description:
      "Whatever among arguments and redirects may name a file: more than the files touched. Relative names are joined to `directory`; `//` and `/./` are folded, and names with `..` are listed also without. Links are not followed.",
  },
  directory: {
    type: "string",
    description:
      "The folder that a `cd` earlier in the same text goes to; empty is where the login begins. An allow rule for a later command that is not `readOnly` must look at it.",
  },
  piped: {
    type: "bool",
    description:
      "Its standard input is the output of another command of the text. An allow rule must look at it when it is true and the command is not `readOnly`: what comes in may say what is done.",
  },
  readOnly: {
    type: "bool",
    description:
      "Known to change nothing: every program and its options are known to read only, and no redirect writes except to `/dev/null`. What it asks of other hosts is reading too (`GET`). Never true when `opaque` is.",
  },
  network: {
    type: "bool",
    description:
      "Reaches another host, or may: true also for programs that are not known and when `opaque`. An allow rule must look at it when the command is `readOnly` too.",
  },
  elevated: {
    type: "bool",
    description:
      "Runs as somebody else (`sudo`, `doas`, `su` …), or may: always true when `opaque`. An allow rule must look at it when it is true.",
  },
  file: {
    type: "string",
    description:
      "What is done with a file where it is a file operation and no command: `read`, `write`, `append`, `list`, `stat`, `set-attributes`, `make-directory`, `remove`, `remove-directory`, `rename`, `link`, `symlink`, `read-link` or `real-path`; the files are in `paths`. Empty for a command. An allow rule for a file operation must look at it.",
  },
  stdin: {
    type: "string",
    description:
      "Where its standard input, or what is written to a file, comes from: `none`; `captured`, and part of what is asked for; or `streamed` by an unmodified client while it runs, unseen. An allow rule for a command that is not `readOnly` must look at it when it is not `none`, and one for a file operation when it is `streamed`.",
  },
  subsystem: {
    type: "string",
    description:
      "The SSH subsystem that is asked for, e.g. `sftp`; `guarded-shell` for an interactive login whose lines are each decided about by themselves; `terminal-session` for the target's own shell in a terminal, recorded; empty for a command. An allow rule must look at it when it is not empty.",
  },
  tty: {
    type: "bool",
    description: "A terminal is asked for. An allow rule must look at it when it is true and the command is not `readOnly`.",
  },
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
} as const satisfies FactTable;

/** What classification found out. Lists are sorted and without duplicates unless their description says otherwise. */
export type SshFacts = FactsOf<typeof sshFacts>;
