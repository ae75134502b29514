/** Programs whose arguments or input say what else runs, by what they are. */
const kinds: Readonly<Record<string, string>> = {
  "a shell":
    "sh ash bash csh dash elvish fish hush ksh lksh mksh nu oksh pdksh posh rbash rc tcsh xonsh yash zsh busybox toybox cmd powershell pwsh",
  "an interpreter":
    "awk bc beam bun clojure dc deno elixir erl escript expect gawk gdb ghci groovy guile iex irb java jq jrunscript jshell julia kotlin lldb lua luajit m4 mawk nawk node nodejs ocaml perl php pypy python r racket rscript ruby sbcl scala sed swift tclsh wish",
  "a program that runs others":
    "apt apt-get at batch bwrap capsh chpst chroot chrt command containerd crictl crontab ctr docker doas dpkg dumb-init entr env eval exec fakeroot find firejail flock git gosu ionice kubectl ld ld-linux ld-musl linux32 linux64 ltrace make nc ncat nerdctl netcat nice nohup nsenter numactl parallel podman prlimit rlwrap rpm rsync run-parts runc runcon runuser s6-setuidgid scp script setarch setpriv setsid setuidgid socat ssh sshpass start-stop-daemon stdbuf strace su su-exec sudo systemctl systemd-run tar taskset tcpdump time timeout tini unshare valgrind watch xargs zip",
  "a program with a prompt that runs others":
    "cassandra-cli clickhouse-client cqlsh ed emacs ex ftp joe less lftp man mongo mongosh more most mutt mysql nano nvim pg psql redis-cli rvim screen sftp sqlite sqlite3 sqlplus telnet tmux vi view vim vimdiff",
};

const kindOf: ReadonlyMap<string, string> = new Map(
  Object.entries(kinds).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])),
);

/** Why a program says nothing about what runs; undefined for one that is not known to run others. */
export function runsOthers(program: string): string | undefined {
  const kind = namesOf(program)
    .map((name) => kindOf.get(name))
    .find((found) => found !== undefined);
  if (kind !== undefined) return `the command is ${kind}`;
  return program.length <= 255 && /^[\w./:\\@+-]+$/.test(program)
    ? undefined
    : "the name of the command holds unusual characters";
}

/** By path or not, with or without a version (`python3.12`, `ld-linux-x86-64.so.2`), for Windows too (`CMD.EXE`). */
function namesOf(program: string): readonly string[] {
  const base = (program.split(/[/\\]/).at(-1) ?? "").toLowerCase().replace(/\.(?:exe|com|bat|cmd)$/, "");
  const [bare = ""] = base.split(/\.so\b/, 1);
  const [unversioned = ""] = bare.split(/[-.\d]/, 1);
  return [base, bare, unversioned, bare.split("-").slice(0, 2).join("-"), bare.split(/[\d.]/, 1)[0] ?? ""];
}
