import type { Program } from "../program.ts";
import type { Usage } from "../usage.ts";

const docker = {
  options:
    "-a -q -n: -l -s -f: --all --quiet --no-trunc --format= --filter= --last= --latest --size --tail= --since= --until= -t --timestamps --details --follow --no-stream --type= --digests --human --all-projects --services --images --volumes",
} as const satisfies Usage;

const container = "runs a program inside a container";
const dockerReads = {
  ps: docker,
  // `-f` follows here and takes no value.
  logs: { options: "-f -t -n: --follow --tail= --since= --until= --timestamps --details", operands: 1 },
  inspect: docker,
  images: docker,
  stats: docker,
  top: { options: "", operand: /^[\w.-]+$/ },
  version: docker,
  info: docker,
  port: docker,
  diff: docker,
  history: docker,
  events: docker,
  container: {
    read: { ls: docker, inspect: docker, list: docker, stats: docker, logs: { options: "-f -t -n: --tail= --since=" } },
  },
  image: { read: { ls: docker, inspect: docker, history: docker } },
  network: { read: { ls: docker, inspect: docker } },
  volume: { read: { ls: docker, inspect: docker } },
  system: { read: { df: { options: "-v --verbose --format=", operands: 0 }, info: docker } },
  context: { read: { ls: docker, show: docker } },
  node: { read: { ls: docker, inspect: docker, ps: docker } },
  service: { read: { ls: docker, ps: docker, inspect: docker, logs: { options: "-f -t -n: --tail= --since=" } } },
} as const;

const engine = {
  commands: {
    options: { options: "-D -l: --debug --log-level=" },
    read: dockerReads,
    act: Object.fromEntries(
      ["stop", "restart", "rm", "rmi", "kill", "pause", "unpause", "pull", "push", "tag", "rename", "wait"].map((name) => [
        name,
        { options: "-f -v -t: -q -s: --force --time= --volumes --signal= --quiet" },
      ]),
    ),
    opaque: {
      exec: container,
      run: container,
      create: container,
      build: container,
      buildx: container,
      compose: "does what its files say",
      plugin: "may start programs",
      start: "runs a container's program",
    },
  },
  opaque: "may start programs of its own (plugins)",
} as const satisfies Program;

const kubectlOptions =
  "-n: -A -o: -l: -w -c: -f -p -v: -L: --namespace= --all-namespaces --output= --selector= --watch --context= --no-headers --sort-by= --field-selector= --show-labels --tail= --since= --timestamps --previous --follow --container= --all-containers --prefix --containers --request-timeout= --kind= --for= --recursive --api-version= --api-group= --namespaced=? --verbs= --client --short --raw= --limit-bytes= --since-time= --show-managed-fields=?";
const kubectl = { options: kubectlOptions } as const satisfies Usage;

const kubectlActs = {
  options: `${kubectlOptions} --replicas= --force --grace-period= --image= --dry-run=? --overwrite --all --cascade=? --wait=? --timeout= --ignore-not-found --ignore-daemonsets --delete-emptydir-data --type= --patch= --to-revision=`,
} as const satisfies Usage;

const packageQuery = {
  options: "-l -L -S -s -p -W --list --listfiles --search --status --version --no-pager --get-selections --showformat= -f:",
  needs: "-l -L -S -s -p -W --list --listfiles --search --status --version --get-selections",
} as const satisfies Usage;

/** Programs that manage containers, clusters, packages and services. */
export const services = {
  docker: engine,
  podman: engine,
  nerdctl: engine,
  crictl: {
    commands: {
      options: { options: "-D" },
      read: {
        ps: docker,
        pods: docker,
        images: docker,
        info: docker,
        stats: docker,
        version: docker,
        logs: { options: "-f --tail= --since= --timestamps" },
        inspect: docker,
      },
      opaque: { exec: container, run: container },
    },
    opaque: "with options that are not understood",
  },
  "docker-compose": { opaque: "does what its files say" },
  kubectl: {
    commands: {
      options: { options: "-n: --namespace= --context= --request-timeout= -v:" },
      read: {
        get: kubectl,
        describe: kubectl,
        logs: kubectl,
        top: { read: { pod: kubectl, pods: kubectl, node: kubectl, nodes: kubectl, no: kubectl, po: kubectl }, options: kubectl },
        version: kubectl,
        explain: kubectl,
        "api-resources": kubectl,
        "api-versions": kubectl,
        "cluster-info": { operands: 0 },
        events: kubectl,
        rollout: {
          read: { status: kubectl, history: kubectl },
          act: { restart: kubectlActs, undo: kubectlActs, pause: kubectlActs },
        },
        auth: { read: { "can-i": kubectl, whoami: kubectl } },
        config: { read: { view: { options: "--minify -o:" }, "current-context": {}, "get-contexts": {} } },
      },
      act: Object.fromEntries(
        [
          ...[
            "annotate",
            "apply",
            "autoscale",
            "cordon",
            "create",
            "delete",
            "drain",
            "expose",
            "label",
            "patch",
            "scale",
            "set",
          ],
          ...["taint", "uncordon", "replace"],
        ].map((name) => [name, kubectlActs]),
      ),
      opaque: {
        exec: container,
        run: container,
        debug: container,
        edit: "starts an editor",
        plugin: "may start programs",
        cp: container,
        attach: container,
      },
    },
    opaque: "may start programs of its own (plugins, --kubeconfig)",
    network: true,
  },
  helm: {
    commands: {
      options: { options: "-n: --namespace=" },
      read: {
        list: { options: "-A -a -n: -o: --all-namespaces --namespace=" },
        ls: { options: "-A -a -n: -o: --all-namespaces --namespace=" },
        status: { options: "-n: -o: --namespace=", operands: 1 },
        history: { options: "-n: -o: --namespace=", operands: 1 },
      },
    },
    opaque: "may start programs of its own (plugins, --post-renderer)",
    network: true,
  },
  apk: {
    commands: { read: { info: { options: "-v -a -e -L -vv" }, list: { options: "-I --installed" } } },
    opaque: "runs the scripts of packages",
  },
  apt: {
    commands: {
      read: { list: { options: "--installed --upgradable -a" }, show: { options: "-a" }, policy: {}, search: {} },
      opaque: { "edit-sources": "starts an editor" },
    },
    pages: "always",
    opaque: "runs the scripts of packages",
  },
  "apt-cache": {
    commands: { read: { policy: {}, show: {}, search: {}, depends: {}, rdepends: {}, showpkg: {}, madison: {} } },
    opaque: "with options that are not understood",
  },
  "apt-get": { opaque: "runs the scripts of packages" },
  dnf: { opaque: "runs the scripts of packages" },
  dpkg: { reads: packageQuery, pages: "--no-pager", opaque: "runs the scripts of packages" },
  "dpkg-query": { reads: packageQuery, pages: "--no-pager" },
  rpm: {
    reads: { options: "-q -a -i -l -f -c -R --qf= --queryformat= --last --changelog", needs: "-q" },
    opaque: "runs the scripts of packages",
  },
  snap: {
    commands: { read: { list: { options: "--all" }, info: {}, version: { operands: 0 } } },
    opaque: "runs the scripts of packages",
  },
  yum: { opaque: "runs the scripts of packages" },
  "fail2ban-client": {
    commands: { read: { status: { operands: 1, operand: /^[\w-]+$/ }, ping: {}, version: {} } },
    opaque: "sets programs that are started later",
  },
  supervisorctl: {
    commands: { read: { status: { operand: /^[\w:.-]+$/ }, pid: {}, version: {} } },
    opaque: "takes commands that are not seen",
  },
  "redis-cli": { opaque: "takes commands of a database", network: true },
  pg_isready: { reads: { options: "-h: -p: -U: -d: -t: -q" }, network: true },
  lvs: { reads: { options: "-a -o: -v --noheadings --units= --segments" }, opaque: "with options that are not understood" },
  pvs: { reads: { options: "-a -o: -v --noheadings --units= --segments" }, opaque: "with options that are not understood" },
  vgs: { reads: { options: "-a -o: -v --noheadings --units=" }, opaque: "with options that are not understood" },
  mdadm: { reads: { options: "-D --detail --scan -Q", needs: "-D --detail -Q" }, opaque: "may start a program (--program)" },
  zfs: {
    commands: { read: { list: { options: "-t: -o: -r -H -p -s:" }, get: { options: "-r -H -p -o: -s:" } } },
    opaque: "with options that are not understood",
  },
  zpool: {
    commands: { read: { list: { options: "-v -H -p -o:" }, status: { options: "-v -x -L -P" }, iostat: { options: "-v -l" } } },
    opaque: "with options that are not understood",
  },
  xfs_info: { reads: { operands: 1 } },
  "aa-status": { reads: { options: "--verbose --enabled" } },
} as const satisfies Readonly<Record<string, Program>>;
