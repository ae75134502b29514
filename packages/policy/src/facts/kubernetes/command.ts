import { judge } from "../ssh/judge.ts";
import { programs } from "../ssh/programs.ts";

/** What the table of shell commands does not have, because a login shell seldom meets it; containers do. By what it is. */
const kinds: Readonly<Record<string, string>> = {
  "a shell": "cmd elvish hush lksh nu oksh pdksh posh powershell rc toybox xonsh yash",
  "an interpreter":
    "beam clojure elixir erl escript ghci groovy guile iex irb jrunscript jshell julia kotlin lldb luajit m4 nodejs ocaml pypy r racket rscript sbcl scala swift wish",
  "a program that runs others":
    "capsh chpst containerd ctr dumb-init eval exec ld ld-linux ld-musl linux32 linux64 rlwrap runc runcon s6-setuidgid setuidgid sshpass su-exec tini",
  "a program with a prompt": "cassandra-cli clickhouse-client cqlsh lftp most mutt pg rvim sqlite sqlplus",
};

const kindOf: ReadonlyMap<string, string> = new Map(
  Object.entries(kinds).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])),
);

/** Why a program with its arguments may run others, or what it is told by other means than its arguments; empty when it is not known to. */
export function doubtsAboutCommand([program = "", ...args]: readonly string[]): readonly string[] {
  if (program.length > 255 || !/^[\w./:\\@+-]+$/.test(program)) return ["the name of the command is empty or unusual"];
  return namesOf(program).flatMap((name) => {
    const kind = kindOf.get(name);
    if (kind !== undefined) return [`the command is ${kind}`];
    if (!programs.has(name)) return [];
    const { doubts, programs: started } = judge([name, ...args], false);
    return [...doubts, ...started.slice(1).flatMap(doubtsAboutStarted)];
  });
}

/** What a program starts is looked at under the name that it has there: `env /opt/bin/sh`, `nice python3.12`. */
function doubtsAboutStarted(program: string): readonly string[] {
  const others = namesOf(program).some((name) => kindOf.has(name) || (name !== program && programs.has(name)));
  return others ? ["the command starts another program under an unusual name"] : [];
}

/** What a program may be called: by path or not, with or without a version (`python3.12`, `ld-linux-x86-64.so.2`), for Windows too (`CMD.EXE`). */
function namesOf(program: string): readonly string[] {
  const sent = program.split(/[/\\]/).at(-1) ?? "";
  const base = sent.toLowerCase().replace(/\.(?:exe|com|bat|cmd)$/, "");
  const [unversioned = ""] = base.split(/-?[\d.]/, 1);
  const family = base.split("-").slice(0, 2).join("-");
  return [...new Set([sent, base, unversioned, family])];
}
