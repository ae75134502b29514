import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyKubernetes, kubernetes } from "../kubernetes.ts";

const pod = "/api/v1/namespaces/a/pods/web-0";

function exec(argv: readonly string[], more = "", method = "GET") {
  const commands = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  const path = `${pod}/exec?${commands}${more}`;
  return classifyKubernetes({ kind: "kubernetes.request", method, path, headers: [["Upgrade", "websocket"]] });
}

function decide(when: string, facts: ReturnType<typeof exec>): string {
  const policy = loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: r, effect: allow, when: ${JSON.stringify(when)} }]` });
  return policy.decide({
    resource: { name: "cluster", type: "kubernetes", labels: {}, roles: ["agent"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts: { protocol: "kubernetes", kubernetes: facts },
    reason: "",
    nowMs: 0,
  }).effect;
}

describe("k8s-argv: the whole argv", () => {
  test("is there in its order, with what is said twice and what is empty", () => {
    const argv = ["ls", "-l", "-l", "", "a b", "a&command=rm", "ü", "x=y;z", "+", "%41"];
    expect(exec(argv).argv).toEqual(argv);
    expect(exec(argv, "", "POST").argv).toEqual(argv);
    expect(exec(["ls"]).opaque).toBe(false);
    expect(exec(["ls"], "&container=side&stdout=true&stderr=1").container).toBe("side");
  });

  test("decides, not its first element", () => {
    const rule = 'kubernetes.subresource == "exec" && kubernetes.argv == ["cat", "/etc/hosts"]';
    expect(decide(rule, exec(["cat", "/etc/hosts"]))).toBe("allow");
    expect(decide(rule, exec(["cat", "/etc/hosts", "/etc/shadow"]))).toBe("deny");
    expect(decide(rule, exec(["cat"], "&container=x&command=%2Fetc%2Fshadow"))).toBe("deny");
    expect(decide(rule, exec(["cat", "/etc/hosts"], "&stdin=1"))).toBe("deny");
  });

  test("must be looked at: a rule that only says exec allows none", () => {
    expect(kubernetes.mustName?.(exec(["rm", "-rf", "/data"]))).toEqual(["subresource", "argv"]);
    expect(decide('kubernetes.subresource == "exec"', exec(["rm", "-rf", "/data"]))).toBe("deny");
    expect(decide('kubernetes.resource == "pods" && kubernetes.argv.size() > 0', exec(["ls"]))).toBe("deny");
    expect(decide('kubernetes.subresource == "exec" && kubernetes.argv.size() > 0', exec(["ls"]))).toBe("allow");
  });
});

describe("k8s-argv: standard input", () => {
  const withInput = (subresource: string, body?: { text: string }) => {
    const path = `${pod}/${subresource}`;
    return classifyKubernetes({ kind: "kubernetes.request", method: "GET", path, headers: [], ...(body && { body }) });
  };

  test("is opaque, whether it is known or not; approvers are told which", () => {
    const given = withInput("exec?command=cat&stdin=true", { text: "x" });
    expect([given.stdin, given.opaque, given.body]).toEqual([true, true, null]);
    expect(given.doubts.join()).toMatch(/^standard input is given/);
    expect(withInput("exec?command=cat&stdin=true").doubts.join()).toMatch(/^standard input is connected, .* not seen$/);
    expect(decide('kubernetes.subresource == "exec" && kubernetes.argv == ["cat"]', given)).toBe("deny");
  });

  test.each(["exec?command=cat", "exec?command=cat&stdin=0", "attach", "portforward", "portforward?ports=80"])(
    "is not given where none is asked for: %s",
    (subresource) => {
      expect(() => withInput(subresource, { text: "x" })).toThrow(/has no body/);
    },
  );
});

describe("k8s-argv: opaque", () => {
  test.each([
    ...[
      "sh",
      "/bin/sh",
      "../../bin/sh",
      "bash",
      "/usr/bin/bash5.2",
      "bash-5.2",
      "rbash",
      "dash",
      "busybox",
      "/bin/busybox.static",
      "toybox",
    ],
    ...["python", "python3.12", "/usr/local/bin/node", "perl5.36.0", "Rscript", "awk", "sed", "java", "lua5.4", "/opt/x/php8.2"],
    ...["env", "xargs", "find", "nice", "timeout", "setsid", "sudo", "su-exec", "chroot", "nsenter", "kubectl", "git", "tini"],
    ...["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "ld.so", "psql", "redis-cli", "vim.basic", "less"],
    ...["cmd.exe", "C:\\Windows\\System32\\CMD.EXE", "PowerShell.exe", "pwsh"],
    ...["", " sh", "s\u200bh", "$SHELL", "ls;sh", "{sh,-c}", `${"a/".repeat(200)}ls`],
  ])("%j -c id", (program) => {
    const facts = exec([program, "-c", "id"]);
    expect(facts.opaque).toBe(true);
    expect(decide('kubernetes.subresource == "exec" && kubernetes.argv.size() > 0', facts)).toBe("deny");
  });

  test.each([
    ["busybox", "sh"],
    ["env", "-S", "sh -c id"],
    ["env", "LD_PRELOAD=/tmp/x.so", "ls"],
    ["find", "/", "-exec", "/opt/bin/sh", "{}", ";"],
    ["env", "/opt/bin/sh", "-c", "id"],
    ["timeout", "5", "python3.12", "-c", "x"],
    ["nice", "toybox", "sh"],
    ["env", "ld.so", "sh"],
    ["find", "/", "-execdir", "sh", "{}", ";"],
    ["tar", "cf", "/dev/null", "x", "--checkpoint=1", "--checkpoint-action=exec=sh"],
    ["tar", "-I", "sh", "-xf", "x"],
    ["sed", "1e id", "x"],
    ["awk", 'BEGIN{system("id")}'],
    ["xargs", "-a", "x", "sh"],
    ["nice", "-n", "5", "nohup", "timeout", "5", "sh", "-c", "id"],
    ["git", "-c", "core.pager=id", "log"],
    ["rsync", "-e", "sh", "a", "b:"],
    ["sort", "--compress-program=sh", "x"],
  ])("%s %s %s", (...argv) => {
    expect(exec(argv).opaque).toBe(true);
  });

  test.each([
    ["ls"],
    ["/bin/cat", "/etc/hosts"],
    ["ps", "aux"],
    ["df", "-h"],
    ["sed", "-n", "1p", "/etc/hosts"],
    ["find", "/data", "-name", "*.log"],
    ["timeout", "5", "ls"],
    ["tar", "cf", "-", "/etc/hosts"],
    ["nginx", "-t"],
    ["shasum", "x"],
    ["pythonic"],
    ["envoy", "--version"],
    ["x-sh", "-c", "id"],
    ["node-exporter"],
  ])("not %s %s", (...argv) => {
    expect(exec(argv).doubts).toEqual([]);
  });

  test.each([
    "&tty=true",
    "&tty=1",
    "&tty",
    "&tty=",
    "&stdin=true",
    "&stdin=1",
    "&stdin=no",
    "&stdin=off",
    "&stdin=f",
    "&stdin=TRUE",
  ])("with %s, as the API server reads it", (more) => {
    const facts = exec(["ls"], more);
    expect(facts.tty || facts.stdin).toBe(true);
    expect(facts.opaque).toBe(true);
  });

  test.each(["&tty=false", "&tty=0&stdin=FALSE", "&stdin=False", "&stdout=true&stderr=true"])("not with %s", (more) => {
    expect(exec(["ls"], more).opaque).toBe(false);
  });
});

describe("k8s-argv: refused", () => {
  test.each([
    "exec",
    "exec?container=web",
    "exec?command=ls&stdin=0&stdin=1",
    "exec?command=ls&tty=0&tty=0",
    "exec?command=ls&container=a&container=b",
    "exec?command=ls&Command=rm",
    "exec?command=ls&args=-l",
    "exec?command=ls&stdin=%66al%C5%BFe",
    "exec?command=ls;command=rm",
    "exec?command=l%00s",
    "exec?command=%ff",
    "attach?command=ls",
    "portforward?command=ls",
  ])("%s", (rest) => {
    expect(() => classifyKubernetes({ kind: "kubernetes.request", method: "GET", path: `${pod}/${rest}`, headers: [] })).toThrow(
      CountersignError,
    );
  });
});

describe("k8s-retry", () => {
  test("the SPDY request that a client makes after a refused WebSocket is not taken for another one", () => {
    const spdy = (): unknown =>
      classifyKubernetes({
        kind: "kubernetes.request",
        method: "POST",
        path: `${pod}/exec?command=ls`,
        headers: [
          ["Connection", "Upgrade"],
          ["Upgrade", "SPDY/3.1"],
          ["X-Stream-Protocol-Version", "v4.channel.k8s.io"],
        ],
      });
    expect(spdy).toThrow(/SPDY is not understood\. Use a client that speaks WebSocket/);
  });
});
