import type { Program } from "../program.ts";

/**
 * Comparing numbers, mksh and ksh93 evaluate the operands as arithmetic: `[ 'a[$(id)]' -eq 1 ]` runs id in mksh, and a name is looked up as a
 * variable. To bash and mksh, `-v` evaluates what is in brackets. So it is plain words, or plain numbers.
 */
const test = {
  reads: [
    { every: /^(?!-(?:eq|ne|lt|le|gt|ge|v|R|t|o|ef)$)(?:[\w./:@%+=,-]*|!|\]|[\w./:@%+,-][\w ./:@%+,-]*)$/ },
    { every: /^(?:-?[0-9]{1,18}|-(?:eq|ne|lt|le|gt|ge)|!|\])$/ },
  ],
  opaque: "may evaluate its operands",
} as const satisfies Program;

/** Commands of the shells themselves that are understood. */
export const builtins = {
  ":": { reads: "always", builtin: true },
  "[": test,
  cd: { reads: { operands: 1, options: "", operand: /^[^-+~]/ }, builtin: true, opaque: "to a place that is not certain" },
  command: { reads: { options: "-v -V", needs: "-v -V", operand: /^[\w./-]+$/ }, runs: { usage: {} }, builtin: true },
  echo: { reads: "always" },
  exit: { reads: { operands: 1, operand: /^[0-9]{1,3}$/ }, builtin: true, opaque: "with what is no number" },
  export: { assigns: true, builtin: true },
  false: { reads: "always" },
  kill: {
    reads: { options: "-l", needs: "-l", operands: 1, operand: /^\w+$/ },
    acts: { every: /^(?:-?[0-9]+|-?[A-Z][A-Z0-9+-]*|-[lsn])$/ },
    opaque: "with operands that some shells evaluate",
  },
  printf: { script: "printf" },
  pwd: { reads: { options: "-L -P", operands: 0 } },
  set: { reads: { every: /^(?:-[eu]+|-[eu]*o|pipefail)$/ }, builtin: true, opaque: "changes how the shell reads what follows" },
  sleep: { reads: { operand: /^[0-9]+(?:\.[0-9]+)?[smhd]?$/ } },
  test,
  true: { reads: "always" },
  type: { reads: { operand: /^[\w./-]+$/, options: "-a -t" }, builtin: true },
  ulimit: { reads: { every: /^-[HS]?[acdflmnpstuv]$/ }, builtin: true, opaque: "changes limits of what follows" },
  umask: {
    reads: { options: "-S", operands: 0 },
    acts: { operands: 1, operand: /^[0-7]{1,4}$/ },
    builtin: true,
    opaque: "with a mask that is not plain",
  },
  which: { reads: { options: "-a", operand: /^[\w./-]+$/ } },
} as const satisfies Readonly<Record<string, Program>>;

/**
 * Words that dash, bash, ksh93, mksh, zsh or busybox keep for themselves (keywords, built-in commands, aliases that are there from the
 * start). Those that are not in {@link builtins} are not understood.
 */
export const shellWords: ReadonlySet<string> = new Set(
  `! - . : [ [[ ]] { } alias autoload bg bind bindkey break builtin bye caller case cd chdir command compadd compgen
   complete compopt compound continue coproc declare dirs disable disown do done echo echotc echoti elif else emulate enable end enum esac
   eval exec exit export false fc fg fi float for foreach function functions getln getopts global hash help hist history if in integer
   jobs kill let limit local log login logout mapfile nameref namespace newgrp nocorrect noglob popd print printf private pushd
   pushln pwd r read readarray readonly redirect rehash repeat return sched select set setopt shift shopt source stop suspend
   test then time times trap true ttyctl type typeset ulimit umask unalias unfunction unhash unlimit unset unsetopt until vared vmap vpath
   wait whence where which while zcompile zformat zle zmodload zparseopts zregexparse zstyle`.split(/\s+/),
);
