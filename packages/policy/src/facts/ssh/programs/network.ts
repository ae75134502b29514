import type { Program } from "../program.ts";

const host = /^[\w.:@%-]+$/;

const ipObjects = [
  "a",
  "addr",
  "address",
  "l",
  "link",
  "r",
  "ro",
  "route",
  "rule",
  "n",
  "neigh",
  "neighbour",
  "maddr",
  "tunnel",
  "mroute",
  "nexthop",
];
/** Only words that look, spelled out: `ip link s` sets, `ip a a` adds. Addresses and names of interfaces hold a digit that no other word does. */
const ipLooks =
  /^(?:show|list|ls|get|dev|via|up|table|master|type|vrf|main|all|default|to|from|scope|proto|state|[0-9][0-9a-f.:/]*|[0-9a-f]*:[0-9a-f:/]*|[a-z]+[0-9][\w.-]*|lo|docker0)$/;

/** Programs that reach other hosts, and those that look at or change how this one does. */
export const network = {
  arp: { reads: { options: "-a -n -e -v -i:", operands: 1 } },
  curl: {
    reads: {
      options:
        "-s -S -f -L -i -I -v -k -4 -6 -g -G -N -sS -o: -w: -m: -H: -A: -X: -e: -r: --silent --show-error --fail --fail-with-body --location --include --head --verbose --insecure --max-time= --connect-timeout= --header= --user-agent= --request= --output= --write-out= --resolve= --retry= --retry-delay= --http1.1 --http2 --compressed --no-progress-meter --no-buffer --get --globoff --max-redirs= --range= --ipv4 --ipv6 --interface= --noproxy= --tlsv1.2 --tlsv1.3 --cacert=",
      values: {
        "-o": /^\/dev\/null$/,
        "--output": /^\/dev\/null$/,
        "-X": /^(?:GET|HEAD|OPTIONS)$/,
        "--request": /^(?:GET|HEAD|OPTIONS)$/,
        // `@file` is read; since curl 8.3 `%output{file}` is written.
        "-w": /^(?!@)(?!.*%output).*$/s,
        "--write-out": /^(?!@)(?!.*%output).*$/s,
        "-H": /^(?!@)(?!.*override)/is,
        "--header": /^(?!@)(?!.*override)/is,
      },
      // Without a scheme curl guesses one from the host's name: ftp., smtp., dict. …
      operand: /^(?:https?:\/\/|(?:localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[::1\])(?=[:/]|$))/,
    },
    network: true,
  },
  delv: { reads: { options: "+short +multiline -4 -6", operand: host }, network: true },
  dig: { reads: { options: "-x: -t: -4 -6 -p: -q: -c:", operand: /^(?:[\w.:-]+|@[\w.:-]+|\+[\w=]+)$/ }, network: true },
  ethtool: {
    reads: {
      options: "-S -i -k -g -c -a -l -m -T -P --statistics --driver --show-features --show-ring",
      operands: 1,
      operand: /^[\w.-]+$/,
    },
  },
  "firewall-cmd": {
    reads: {
      options:
        "--state --list-all --list-all-zones --list-ports --list-services --get-active-zones --get-default-zone --get-zones --list-rich-rules --zone=",
      operands: 0,
    },
  },
  ftp: { opaque: "takes commands that are not seen", network: true },
  host: { reads: { options: "-t: -a -v -4 -6 -W: -C", operands: 2, operand: host }, network: true },
  ifconfig: { reads: { options: "-a -s -v", operands: 1, operand: /^[\w.:-]+$/ } },
  ip: {
    commands: {
      options: { options: "-4 -6 -s -d -o -j -p -c -h -br -brief -stats -details -color -json -oneline -human -resolve" },
      read: Object.fromEntries(ipObjects.map((name) => [name, { every: ipLooks }])),
      act: Object.fromEntries(ipObjects.map((name) => [name, { every: /^[\w.:/@-]+$/ }])),
      opaque: { netns: "may start a program in another network", vrf: "may start a program in another network" },
    },
    opaque: "with options that are not understood",
  },
  iptables: {
    reads: {
      options: "-L -S -n -v -x -t: -w --line-numbers --list --list-rules",
      needs: "-L -S --list --list-rules",
      operands: 1,
      operand: /^[\w-]+$/,
    },
    opaque: "may start a program (--modprobe)",
  },
  ip6tables: {
    reads: {
      options: "-L -S -n -v -x -t: -w --line-numbers --list --list-rules",
      needs: "-L -S --list --list-rules",
      operands: 1,
      operand: /^[\w-]+$/,
    },
    opaque: "may start a program (--modprobe)",
  },
  mtr: {
    reads: {
      options: "-r -c: -n -w -b -4 -6 -T -u -P: --report --report-wide --no-dns --report-cycles=",
      needs: "-r --report -w --report-wide",
      operands: 1,
      operand: host,
    },
    network: true,
  },
  nc: {
    reads: { options: "-z -v -w: -4 -6 -n -u", needs: "-z", operands: 2, operand: /^[\w.:-]+$/ },
    opaque: "carries anything to another host, or starts a program for it (-e, -c)",
    network: true,
  },
  ncat: { opaque: "carries anything to another host, or starts a program for it (-e, -c)", network: true },
  netcat: { opaque: "carries anything to another host, or starts a program for it (-e, -c)", network: true },
  netstat: {
    reads: {
      options:
        "-a -n -t -u -l -p -r -i -s -e -o -4 -6 -W -c -g -x -w --listening --numeric --tcp --udp --program --programs --all --route",
    },
  },
  nft: {
    commands: { options: { options: "-a -n -s -j" }, read: { list: { operand: /^[\w-]+$/ } } },
    opaque: "takes commands that are not understood",
  },
  nmap: {
    acts: { options: "-p: -sT -sS -sU -sn -Pn -n -v -A -O -F -T4 -4 -6", operand: /^[\w./:-]+$/ },
    opaque: "may run scripts (--script)",
    network: true,
  },
  nslookup: {
    reads: { operands: 2, least: 1, options: "-type= -query= -debug -timeout=", operand: host },
    opaque: "takes commands that are not seen",
    network: true,
  },
  ping: { reads: { options: "-c: -i: -W: -w: -s: -I: -t: -4 -6 -n -q -v -D -M:", operand: host }, network: true },
  ping6: { reads: { options: "-c: -i: -W: -w: -s: -I: -n -q", operand: host }, network: true },
  resolvectl: {
    commands: {
      options: { options: "--no-pager" },
      read: { status: { operands: 1, operand: /^[\w.-]+$/ }, query: { operand: /^[\w.:-]+$/ }, statistics: { operands: 0 } },
    },
    pages: "--no-pager",
    network: true,
  },
  route: { reads: { options: "-n -e -v -4 -6 -ee", operands: 0 } },
  rsync: {
    acts: {
      options:
        "-a -v -z -r -l -p -t -g -o -D -H -A -X -n -P -h -i -u -c -R -W -x --delete --dry-run --progress --stats --exclude= --include= --archive --verbose --compress --partial --human-readable --bwlimit= --checksum --itemize-changes",
    },
    opaque: "may start programs (-e, --rsync-path …)",
    network: true,
  },
  scp: { acts: { options: "-r -p -q -C -4 -6 -B -v -P: -i: -l:" }, opaque: "may start programs (-S, -o, -F)", network: true },
  sftp: { opaque: "takes commands that are not seen", network: true },
  ss: {
    reads: {
      options:
        "-t -u -l -n -p -a -e -m -i -s -o -4 -6 -x -w -H -O -r -Z -z --tcp --udp --listening --numeric --processes --all --summary --extended --memory --info --no-header --oneline",
      operand: /^[\w.:=()!<>&|, *-]+$/,
    },
  },
  ssh: { reads: { options: "-V", operands: 0 }, opaque: "lets another host's shell run a command", network: true },
  "ssh-add": { reads: { options: "-l -L", needs: "-l -L", operands: 0 } },
  "ssh-keygen": { reads: { options: "-l -f: -E: -v", needs: "-l", operands: 0 } },
  "ssh-keyscan": { reads: { options: "-t: -p: -T: -H -4 -6", operand: host }, network: true },
  socat: { opaque: "carries anything anywhere, or starts a program for it (EXEC:)", network: true },
  tcpdump: { acts: { options: "-n -i: -c: -v -e -A -X -D -q -t -s: -l -nn -vv -r: -w:" }, opaque: "may start a program (-z)" },
  telnet: { opaque: "takes commands that are not seen", network: true },
  tracepath: { reads: { options: "-n -b -4 -6 -m: -p:", operands: 1, operand: host }, network: true },
  traceroute: { reads: { options: "-n -4 -6 -I -T -U -m: -q: -w: -p:", operands: 1, operand: host }, network: true },
  ufw: { reads: { operand: /^(?:status|verbose|numbered)$/, operands: 2 } },
  wget: {
    reads: {
      options:
        "-q -S -O: -T: -t: -4 -6 -nv --spider --quiet --server-response --timeout= --tries= --output-document= --no-check-certificate --max-redirect= --header=",
      needs: "-O --output-document --spider",
      values: { "-O": /^(?:-|\/dev\/null)$/, "--output-document": /^(?:-|\/dev\/null)$/ },
      operand: /^https?:\/\//,
    },
    acts: {
      options: "-q -O: -P: -c -N -nv -T: -t: --no-check-certificate --quiet --output-document= --directory-prefix=",
      operand: /^https?:\/\//,
    },
    opaque: "may start programs (--use-askpass, -e …)",
    network: true,
  },
  whois: { reads: { options: "-h: -p:", operands: 1, operand: host }, network: true },
  wg: { reads: { every: /^(?:show|interfaces|[a-z]+[0-9]+)$/ } },
  mail: { opaque: "takes commands that are not seen", network: true },
  sendmail: { opaque: "takes commands that are not seen", network: true },
} as const satisfies Readonly<Record<string, Program>>;
