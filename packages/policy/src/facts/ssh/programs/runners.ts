import type { Program } from "../program.ts";

const number = /^-?[0-9]+$/;
const user = /^[\w.@-]+$/;

/** Programs that start other programs. Where their own options are known and the program is named in plain words, it is looked at. */
export const runners = {
  at: { reads: { options: "-l", needs: "-l", operands: 0 }, opaque: "starts programs later, which are not seen here" },
  batch: { opaque: "starts programs later, which are not seen here" },
  busybox: { reads: { options: "--list --help", operands: 0, needs: "--list --help" }, runs: { usage: {} } },
  bwrap: { opaque: "starts a program" },
  chroot: { opaque: "starts a program in another root" },
  chrt: { runs: { usage: { options: "-f -r -o -b -i -a -R" }, before: [number], changes: ["-f", "-r"] } },
  daemonize: { opaque: "starts a program" },
  doas: { runs: { usage: { options: "-n -u:", values: { "-u": user } } }, elevates: true },
  entr: { opaque: "starts programs" },
  env: {
    reads: { options: "-0 --null", operands: 0 },
    runs: {
      usage: { options: "-i -u: --ignore-environment --unset=", values: { "-u": /^[A-Za-z_]\w*$/, "--unset": /^[A-Za-z_]\w*$/ } },
      assignments: true,
    },
  },
  fakeroot: { opaque: "starts a program" },
  firejail: { opaque: "starts a program" },
  flock: { opaque: "starts a program" },
  gdb: { opaque: "starts and changes programs" },
  gosu: { opaque: "starts a program", elevates: true },
  ionice: {
    runs: { usage: { options: "-c: -n: -t", values: { "-c": /^[0-3]$|^(?:idle|best-effort|realtime|none)$/, "-n": /^[0-7]$/ } } },
  },
  ldd: { opaque: "may start the program that it looks at" },
  ltrace: { opaque: "starts a program" },
  lxc: { opaque: "may start programs in containers" },
  machinectl: { opaque: "may start programs elsewhere", elevates: true },
  make: { opaque: "does what its files say" },
  nice: { runs: { usage: { options: "-n: --adjustment=", values: { "-n": number, "--adjustment": number }, numbers: true } } },
  nohup: { runs: { usage: {} } },
  nsenter: { opaque: "starts a program elsewhere", elevates: true },
  numactl: {
    reads: { options: "-H -s --hardware --show", needs: "-H -s --hardware --show", operands: 0 },
    opaque: "starts a program",
  },
  parallel: { opaque: "starts programs" },
  perf: { opaque: "may start programs" },
  pkexec: { runs: { usage: { options: "--user=", values: { "--user": user } } }, elevates: true },
  prlimit: { opaque: "starts a program or changes limits" },
  proot: { opaque: "starts a program" },
  "run-parts": { reads: { options: "--test --list", needs: "--test --list" }, opaque: "starts all programs of a folder" },
  runuser: { opaque: "starts a shell or a program as somebody else", elevates: true },
  screen: { reads: { options: "-ls -list", needs: "-ls -list", operands: 0 }, opaque: "starts a terminal" },
  script: { opaque: "starts a shell" },
  setarch: { opaque: "starts a program" },
  setpriv: { opaque: "starts a program", elevates: true },
  setsid: { runs: { usage: { options: "-w -f --wait --fork" }, changes: ["-f", "--fork"] } },
  sg: { opaque: "starts a shell", elevates: true },
  "start-stop-daemon": { opaque: "starts a program" },
  stdbuf: {
    runs: {
      usage: {
        options: "-i: -o: -e: --input= --output= --error=",
        values: Object.fromEntries(
          ["-i", "-o", "-e", "--input", "--output", "--error"].map((name) => [name, /^(?:L|[0-9]+[KM]?)$/]),
        ),
      },
    },
  },
  strace: { opaque: "starts or follows a program" },
  su: { opaque: "starts a shell as somebody else", elevates: true },
  sudo: {
    reads: { options: "-n -l -v -k", needs: "-l", operands: 0 },
    runs: {
      usage: {
        options: "-n -u: -g: -H -k -S --non-interactive --user= --group= --set-home",
        values: { "-u": user, "-g": user, "--user": user, "--group": user },
      },
      assignments: true,
    },
    elevates: true,
  },
  sudoedit: { opaque: "starts an editor", elevates: true },
  "systemd-inhibit": { opaque: "starts a program" },
  "systemd-nspawn": { opaque: "starts a program in a container" },
  "systemd-run": { opaque: "starts a program" },
  taskset: { reads: { options: "-c -p -a", needs: "-p", operands: 1, operand: number }, opaque: "starts a program" },
  time: { runs: { usage: { options: "-p -v" } } },
  timeout: {
    runs: {
      usage: {
        options: "-s: -k: -v --signal= --kill-after= --foreground --preserve-status --verbose",
        values: { "-s": /^\w+$/, "-k": /^[0-9.]+[smhd]?$/, "--signal": /^\w+$/, "--kill-after": /^[0-9.]+[smhd]?$/ },
      },
      before: [/^[0-9]+(?:\.[0-9]+)?[smhd]?$/],
    },
  },
  tmux: { reads: { every: /^(?:ls|list-sessions|list-windows|list-panes|-a)$/ }, opaque: "starts a terminal" },
  unbuffer: { opaque: "starts a program" },
  unshare: { opaque: "starts a program elsewhere", elevates: true },
  valgrind: { opaque: "starts a program" },
  watch: { opaque: "has a shell run its words" },
  xargs: { opaque: "starts a program with arguments from its input" },
} as const satisfies Readonly<Record<string, Program>>;
