import type { Program } from "../program.ts";

const anyway = { reads: "always" } as const satisfies Program;
const changes = { acts: "always" } as const satisfies Program;
const version = { options: "--version -V -v", needs: "--version -V -v", operands: 0 } as const;
const unit = {
  options:
    "--no-pager -l --full --user --system -a --all -q --quiet --plain --no-legend --failed --type= -t: --state= -p: --property= -n: --lines= -o: --output= --value -r --recursive --reverse --show-types --no-ask-password",
} as const;
const journal = {
  options:
    "-u: -n: -f -e -r -k -b -x -o: -p: -g: -t: -q -a -m -S: -U: -c: -N -F: -D: --unit= --user-unit= --lines=? --follow --pager-end --reverse --dmesg --boot=? --catalog --output= --priority= --grep= --identifier= --quiet --all --merge --since= --until= --no-pager --no-hostname --no-full --full --utc --user --system --list-boots --disk-usage --field= --fields --header --case-sensitive=? --output-fields= --after-cursor= --show-cursor --no-tail --truncate-newline --directory= --facility= --verify",
  numbers: true,
} as const;

/** Programs that look at the machine and change its state. */
export const system = {
  arch: anyway,
  blockdev: { reads: { options: "--getsize64 --getss --getro --getsz --report --getbsz" } },
  chronyc: { reads: { options: "-n", operands: 1, operand: /^(?:tracking|sources|sourcestats|activity|clients)$/ } },
  coredumpctl: {
    reads: { options: "--no-pager", operand: /^(?:list|info|[0-9]+)$/ },
    pages: "--no-pager",
    opaque: "may start a debugger",
  },
  crontab: {
    reads: { options: "-l -u:", needs: "-l", operands: 0 },
    acts: { options: "-r -u:", needs: "-r", operands: 0 },
    opaque: "sets programs that are started later, which are not seen here",
  },
  date: {
    reads: {
      options:
        "-u -I -Idate -Ihours -Iminutes -Iseconds -Ins -R -d: -r: --utc --date= --iso-8601=? --rfc-3339= --rfc-email --universal",
      operand: /^\+/,
    },
  },
  dmesg: {
    reads: {
      options:
        "-T -H -k -l: -f: -w -x -u -r -t -e -L --ctime --level= --facility= --follow --human --nopager --kernel --reltime --since= --until=",
    },
    pages: "--nopager",
  },
  dmidecode: { reads: { options: "-t: -s: -q --type= --string= --quiet" } },
  free: anyway,
  getconf: anyway,
  getenforce: anyway,
  getent: { reads: "always", network: true },
  groups: anyway,
  halt: changes,
  hostid: anyway,
  hostname: { reads: { options: "-f -s -i -I -d -a -A --fqdn --short --ip-address --all-ip-addresses --domain", operands: 0 } },
  hostnamectl: {
    reads: { options: "--static --json= -j", operands: 1, operand: /^status$/ },
    opaque: "with options that are not understood",
    pages: "always",
  },
  htop: { pages: "always" },
  id: anyway,
  insmod: changes,
  iostat: { reads: { options: "-c -d -h -k -m -N -p: -t -x -y -z", operand: /^[0-9]+$/ } },
  ipcs: anyway,
  journalctl: { reads: journal, pages: "--no-pager" },
  killall: changes,
  last: anyway,
  lastb: anyway,
  lastlog: { reads: { options: "-u: -t: -b:", operands: 0 } },
  localectl: {
    reads: { options: "--no-pager", operands: 1, operand: /^status$/ },
    opaque: "with options that are not understood",
    pages: "--no-pager",
  },
  locale: anyway,
  loginctl: {
    commands: {
      options: { options: "--no-pager --no-legend" },
      read: Object.fromEntries(
        ["list-sessions", "list-users", "session-status", "user-status", "show-session", "show-user"].map((name) => [
          name,
          { options: "--no-pager -p: --no-legend --value" },
        ]),
      ),
    },
    opaque: "with options that are not understood",
    pages: "--no-pager",
  },
  logname: anyway,
  lscpu: anyway,
  lshw: { reads: { options: "-short -C: -class: -json -quiet -numeric -businfo -sanitize -c:" } },
  lsmod: anyway,
  lsns: anyway,
  lspci: { reads: { options: "-v -k -n -m -D -t -s: -d: -x", numbers: true } },
  lsusb: { reads: { options: "-v -t -s: -d:" } },
  modinfo: anyway,
  modprobe: { opaque: "may start programs that its configuration names" },
  mpstat: { reads: { options: "-P: -A -u -I: -o:", operand: /^[0-9]+$/ } },
  nproc: anyway,
  ntpq: { reads: { options: "-p -n -c:", values: { "-c": /^(?:peers|rv|as)$/ } }, network: true },
  "nvidia-smi": { reads: { options: "-L -q --query-gpu= --format= --list-gpus --query-compute-apps=", operands: 0 } },
  pgrep: anyway,
  pidof: anyway,
  pidstat: { reads: { options: "-d -h -p: -r -s -t -u -w -l -C:", operand: /^[0-9]+$/ } },
  pkill: changes,
  pmap: anyway,
  poweroff: changes,
  printenv: anyway,
  prtstat: anyway,
  ps: anyway,
  pstree: anyway,
  pwdx: anyway,
  reboot: changes,
  renice: changes,
  rmmod: changes,
  runlevel: anyway,
  sar: { reads: { options: "-A -b -B -d -n: -P: -q -r -S -u -v -w -W -s: -e: -f: -h -p", operand: /^[0-9]+$/ } },
  sensors: { reads: { options: "-A -f -u -j", operands: 1 } },
  service: changes,
  sestatus: anyway,
  shutdown: changes,
  slabtop: { reads: { options: "-o --once -s:", needs: "-o --once" } },
  smartctl: { reads: { options: "-a -A -H -i -x -c -l: -d: --all --info --health --attributes --scan" } },
  swapoff: changes,
  sysctl: { reads: { options: "-a -n -e -N --all --values", operand: /^[\w./-]+$/ } },
  systemctl: {
    reads: { ...unit, operands: 0 },
    commands: {
      options: unit,
      read: Object.fromEntries(
        [
          ...[
            "status",
            "show",
            "cat",
            "is-active",
            "is-enabled",
            "is-failed",
            "is-system-running",
            "list-units",
            "list-unit-files",
          ],
          ...[
            "list-timers",
            "list-sockets",
            "list-jobs",
            "list-dependencies",
            "get-default",
            "list-machines",
            "show-environment",
          ],
        ].map((name) => [name, unit]),
      ),
      act: Object.fromEntries(
        [
          ...[
            "start",
            "stop",
            "restart",
            "reload",
            "try-restart",
            "reload-or-restart",
            "enable",
            "disable",
            "mask",
            "unmask",
            "kill",
          ],
          ...["daemon-reload", "reset-failed", "isolate", "set-property", "set-default", "preset", "reboot", "poweroff", "halt"],
        ].map((name) => [
          name,
          {
            options: "--no-pager -q --quiet --now --user --no-block --force -f -s: --signal= --runtime --wait --no-ask-password",
          },
        ]),
      ),
      opaque: { edit: "starts an editor" },
    },
    opaque: "with options that are not understood",
    pages: "--no-pager",
  },
  "systemd-analyze": {
    reads: { options: "--no-pager --user", operand: /^(?:time|blame|critical-chain|[\w@-]+\.(?:service|target))$/ },
    opaque: "with options that are not understood",
    pages: "--no-pager",
  },
  "systemd-cgls": { reads: { options: "--no-pager -l -a -k" }, pages: "--no-pager" },
  "systemd-detect-virt": anyway,
  timedatectl: {
    reads: { options: "--no-pager", operands: 1, operand: /^(?:status|show|list-timezones|timesync-status)$/ },
    opaque: "with options that are not understood",
    pages: "--no-pager",
  },
  top: { reads: { options: "-b -n: -d: -o: -p: -u: -c -H -i -w:", needs: "-b", operands: 0 }, pages: "-b" },
  tty: anyway,
  uname: anyway,
  uptime: anyway,
  users: anyway,
  virsh: {
    commands: {
      options: { options: "-q -r" },
      read: {
        list: { options: "--all --inactive --name --uuid", operands: 0 },
        dominfo: { operands: 1, operand: /^[\w.-]+$/ },
        domstate: { operands: 1, operand: /^[\w.-]+$/ },
        nodeinfo: { operands: 0 },
        "net-list": { options: "--all", operands: 0 },
        "pool-list": { options: "--all", operands: 0 },
      },
    },
    opaque: "takes commands that are not understood, from other places too",
  },
  vmstat: anyway,
  w: anyway,
  wall: changes,
  whereis: anyway,
  who: anyway,
  whoami: anyway,
  nginx: {
    reads: [{ options: "-v -V", needs: "-v -V", operands: 0 }],
    acts: { options: "-t -T -q -s:", operands: 0 },
    opaque: "with a configuration that is not the system's",
  },
  java: { reads: [version, { options: "-version", needs: "-version", operands: 0 }], opaque: "runs a program" },
} as const satisfies Readonly<Record<string, Program>>;
