import type { Program } from "../program.ts";
import type { Usage } from "../usage.ts";

const version = { options: "--version -V", needs: "--version -V", operands: 0 } as const satisfies Usage;
const runsText = {
  reads: { options: "--version", needs: "--version", operands: 0 },
  opaque: "runs a program given as text",
} as const satisfies Program;
const interpreter = { reads: version, opaque: "runs a program given as text" } as const satisfies Program;
const editor = {
  reads: { options: "--version", needs: "--version", operands: 0 },
  opaque: "is an editor: it changes files and starts programs",
} as const satisfies Program;
const database = {
  reads: version,
  opaque: "takes statements of a database, and may start programs",
  network: true,
} as const satisfies Program;

/** Programs that run a language of their own, and are therefore not looked into. */
export const languages = {
  ansible: { opaque: "starts programs on other hosts", network: true },
  "ansible-playbook": { opaque: "starts programs on other hosts", network: true },
  ash: runsText,
  bash: runsText,
  bc: { reads: { options: "-l -q -s" } },
  bun: interpreter,
  cargo: { reads: version, opaque: "may start programs" },
  csh: runsText,
  dash: runsText,
  dc: { opaque: "may start programs (!)" },
  deno: interpreter,
  ed: editor,
  emacs: editor,
  ex: editor,
  expect: runsText,
  fish: runsText,
  gem: { reads: version, opaque: "may start programs" },
  git: {
    reads: [
      { options: "--version", needs: "--version", operands: 0 },
      // What reads the object store alone. Others ask the repository's configuration which programs to start (fsmonitor, textconv, pager, hooks).
    ],
    commands: {
      read: {
        "rev-parse": {
          options: "--short --abbrev-ref --show-toplevel --verify --is-inside-work-tree --git-dir -q",
          operand: /^[\w./@^~-]+$/,
        },
        remote: { options: "-v", operands: 0 },
        branch: { options: "--show-current -a -r -v -vv --list", needs: "--show-current -a -r --list", operands: 0 },
        tag: { options: "-l --list", needs: "-l --list", operands: 0 },
      },
    },
    pages: "always",
    opaque: "may start programs that its configuration names (hooks, pagers, helpers, aliases)",
  },
  go: { reads: { every: /^version$/ }, opaque: "may start programs" },
  joe: editor,
  ksh: runsText,
  lua: interpreter,
  man: { opaque: "starts a pager and formatters" },
  mksh: runsText,
  mongo: database,
  mongosh: database,
  mysql: database,
  mysqldump: database,
  nano: editor,
  node: { reads: { options: "--version -v", needs: "--version -v", operands: 0 }, opaque: "runs a program given as text" },
  npm: { reads: { options: "--version -v", needs: "--version -v", operands: 0 }, opaque: "may start programs" },
  npx: { opaque: "starts programs", network: true },
  nvim: editor,
  perl: { reads: { options: "-v --version", needs: "-v --version", operands: 0 }, opaque: "runs a program given as text" },
  pg_dump: database,
  php: { reads: { options: "-v --version", needs: "-v --version", operands: 0 }, opaque: "runs a program given as text" },
  pip: { reads: version, opaque: "may start programs" },
  pip3: { reads: version, opaque: "may start programs" },
  pico: editor,
  psql: database,
  python: interpreter,
  python2: interpreter,
  python3: interpreter,
  pwsh: runsText,
  rbash: runsText,
  ruby: { reads: { options: "-v --version", needs: "-v --version", operands: 0 }, opaque: "runs a program given as text" },
  sh: runsText,
  sqlite3: database,
  tclsh: interpreter,
  tcsh: runsText,
  terraform: { reads: { every: /^version$/ }, opaque: "may start programs (providers, provisioners)", network: true },
  vi: editor,
  view: editor,
  vim: editor,
  vimdiff: editor,
  visudo: editor,
  vipw: editor,
  yarn: { opaque: "may start programs" },
  zsh: runsText,
} as const satisfies Readonly<Record<string, Program>>;
