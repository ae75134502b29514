import { describe, expect, test } from "vitest";
import type { SshExec, SshFile } from "../../action.ts";
import { classify } from "../../facts.ts";
import { policyOf } from "../../testing-policy.ts";

const resource = { name: "web-1", type: "ssh", labels: {}, roles: ["operator"] };
const principal = { issuer: "i", subject: "agent-1", groups: [], claims: {} };
const facts = (operation: SshExec | SshFile) => classify(operation, { searchPath: [] });
const decided = (operation: SshExec | SshFile, when: string) =>
  policyOf(`r allow when: '${when}'`).decide({ resource, principal, facts: facts(operation), reason: "", nowMs: 0 }).effect;

const exec = (command: string, more: Partial<SshExec> = {}): SshExec => ({ kind: "ssh.exec", command, ...more });
const file = (action: SshFile["action"], path: string, more: Partial<SshFile> = {}): SshFile => ({
  kind: "ssh.file",
  action,
  path,
  ...more,
});
const content = { text: "x" };

describe("file operations", () => {
  test.each<[SshFile, object]>([
    [file("read", "/etc/motd"), { file: "read", readOnly: true, stdin: "none", paths: ["/etc/motd"] }],
    [file("list", "logs"), { file: "list", readOnly: true, paths: ["logs"] }],
    [file("write", "/a//./b", { content }), { file: "write", readOnly: false, stdin: "captured", paths: ["/a/b"] }],
    [file("rename", "/a/../b", { to: "/c" }), { readOnly: false, paths: ["/a/../b", "/b", "/c"] }],
    [file("symlink", "/a", { to: "../etc/passwd" }), { paths: ["../etc/passwd", "/a"] }],
  ])("%j", (operation, expected) => {
    expect(facts(operation)).toMatchObject({ protocol: "ssh", ssh: { opaque: false, programs: [], argv: [], ...expected } });
  });

  test("a rule about programs does not sweep them in, though they have none that it forbids", () => {
    const aboutPrograms = 'ssh.programs.all(p, p == "ls") && ssh.redirects.size() == 0 && !ssh.elevated && ssh.stdin != "x"';
    expect(decided(exec("ls -l"), aboutPrograms)).toBe("allow");
    for (const operation of [file("read", "/etc/shadow"), file("write", "/x", { content })])
      expect(decided(operation, aboutPrograms)).toBe("deny");
    expect(decided(file("read", "/etc/shadow"), "ssh.readOnly")).toBe("deny");
  });

  test("a rule that names them allows them, by their paths", () => {
    const web = 'ssh.file == "write" && ssh.paths.all(p, p.startsWith("/var/www/"))';
    expect(decided(file("write", "/var/www/index.html", { content }), web)).toBe("allow");
    expect(decided(file("write", "/var/www/../../etc/passwd", { content }), web)).toBe("deny");
    // What its client streams is more than what a rule about captured content has meant.
    expect(decided(file("write", "/var/www/index.html", { streamed: true }), web)).toBe("deny");
    expect(decided(file("write", "/var/www/index.html", { streamed: true }), `${web} && ssh.stdin == "streamed"`)).toBe("allow");
  });

  test.each<[SshFile]>([
    [file("read", "")],
    [file("read", "a\0b")],
    [file("read", "/a", { content })],
    [file("read", "/a", { to: "/b" })],
    [file("rename", "/a")],
    [file("write", "/a")],
    [file("write", "/a", { content, streamed: true })],
    [file("remove", "/a", { attributes: { mode: 0o600 } })],
    [file("set-attributes", "/a")],
    [file("set-attributes", "/a", { attributes: { uid: 0 } })],
    [file("set-attributes", "/a", { attributes: { accessed: 1 } })],
    [file("read", "a".repeat(5000))],
  ])("what would not be done as it stands is refused: %j", (operation) => {
    expect(() => facts(operation)).toThrow();
  });
});

describe("standard input", () => {
  test("ssh-stdin: an allow rule for a command that changes something must look at it", () => {
    const rule = 'ssh.programs == ["deployctl"]';
    expect(decided(exec("deployctl x"), rule)).toBe("allow");
    expect(decided(exec("deployctl x", { stdin: content }), rule)).toBe("deny");
    expect(decided(exec("deployctl x", { streamed: true }), rule)).toBe("deny");
    expect(decided(exec("deployctl x", { streamed: true }), `${rule} && ssh.stdin == "streamed"`)).toBe("allow");
    expect(decided(exec("wc -l", { streamed: true }), "ssh.readOnly")).toBe("allow");
  });

  test("each command of several may read it", () => {
    expect(facts(exec("true && deployctl x", { streamed: true }))).toMatchObject({
      ssh: { stdin: "streamed" },
      parts: [{ stdin: "streamed" }, { stdin: "streamed" }],
    });
    expect(facts(exec("true && deployctl x"))).toMatchObject({ parts: [{ stdin: "none" }, { stdin: "none" }] });
  });

  test("captured and streamed exclude each other", () => {
    expect(() => facts(exec("cat", { streamed: true, stdin: content }))).toThrow(/not both/);
  });
});
