import { expect, test } from "vitest";
import { protocols } from "./protocols.ts";
import { classifySsh } from "./ssh.ts";

const exec = (command: string, tty?: boolean) =>
  classifySsh({ kind: "ssh.exec", command, ...(tty === undefined ? {} : { tty }) });
const facts = (command: string) => exec(command).facts;

test("one command: what runs, with which words, where its output goes", () => {
  expect(exec("grep -c 'a b' \"/var/log/x y\" 2> /tmp/err >&2")).toEqual({
    facts: {
      command: "grep -c 'a b' \"/var/log/x y\" 2> /tmp/err >&2",
      programs: ["grep"],
      argv: ["grep", "-c", "a b", "/var/log/x y"],
      redirects: ["2> /tmp/err", ">&2"],
      paths: ["/tmp/err", "/var/log/x y", "a b"],
      directory: "",
      piped: false,
      readOnly: false,
      network: false,
      elevated: false,
      file: "",
      stdin: "none",
      subsystem: "",
      tty: false,
      opaque: false,
      doubts: [],
    },
  });
});

test("several commands: each alone, and all together", () => {
  const { facts: whole, parts } = exec("cat x | sudo -n tee /etc/y && (curl -sf http://localhost/; rm -f z) # done");
  expect(whole).toMatchObject({
    programs: ["cat", "curl", "rm", "sudo", "tee"],
    argv: ["cat", "x", "sudo", "-n", "tee", "/etc/y", "curl", "-sf", "http://localhost/", "rm", "-f", "z"],
    readOnly: false,
    network: true,
    elevated: true,
    opaque: false,
  });
  expect(parts?.map(({ command, readOnly, network, elevated }) => [command, readOnly, network, elevated])).toEqual([
    ["cat x", true, false, false],
    ["sudo -n tee /etc/y", false, false, true],
    ["curl -sf http://localhost/", true, true, false],
    ["rm -f z", false, false, false],
  ]);
});

test("programs started by programs are listed", () => {
  expect(facts("sudo -u x env LC_ALL=C nice -n 5 timeout 10 systemctl restart api").programs).toEqual([
    "env",
    "nice",
    "sudo",
    "systemctl",
    "timeout",
  ]);
  expect(facts("find / -name x -exec grep -l y {} + -exec rm {} ;".replace(";", "\\;")).programs).toEqual(["find", "grep", "rm"]);
  expect(facts("busybox rm x").programs).toEqual(["busybox", "rm"]);
  expect(facts("time ls").programs).toEqual(["ls", "time"]);
});

test("a program is named by its bare name only where the system keeps its programs", () => {
  expect(facts("/usr/bin/ls").programs).toEqual(["ls"]);
  expect(facts("/tmp/ls").programs).toEqual(["/tmp/ls"]);
  expect(facts("./ls").programs).toEqual(["./ls"]);
  expect(facts("/opt/app/bin/deployctl status")).toMatchObject({
    programs: ["/opt/app/bin/deployctl"],
    opaque: false,
    readOnly: false,
  });
});

test.each([
  ["\\rm x"],
  ["'rm' x"],
  ['r"m" x'],
  ["/bin/rm x"],
  ["command rm x"],
  ["ls; rm x"],
  ["ls\nrm x"],
  ["ls|rm x"],
  ["ls&&rm x"],
  ["(rm x)"],
  ["{ rm x; }"],
  ["! rm x"],
  [">/dev/null rm x"],
  ["rm x # ls"],
  ["LC_ALL=C rm x"],
  ["ls # x\nrm x"],
])("whatever way it is written, rm is seen: %j", (command) => {
  expect(facts(command)).toMatchObject({ opaque: false, programs: expect.arrayContaining(["rm"]) });
});

test("of what is opaque, the programs that can be seen are listed", () => {
  expect(facts("for f in $(ls); do sudo rm -rf $f & done; cat <(id)").programs).toEqual(["cat", "id", "ls", "rm", "sudo"]);
  expect(facts("ls $HOME; rm x")).toMatchObject({ programs: ["ls", "rm"], argv: [], opaque: true });
});

test("where a command runs is known only after cd x &&", () => {
  const directories = (command: string) => exec(command).parts?.map(({ directory, opaque }) => (opaque ? "?" : directory));
  expect(directories("cd /x && ls && ls; ls")).toEqual(["", "/x", "/x", "?"]);
  expect(directories("ls; cd /x/ && cd y && ls")).toEqual(["", "", "/x/", "/x/y"]);
  expect(directories("(cd /x && ls); ls")).toEqual(["", "/x", ""]);
  expect(directories("cd /x && { ls; ls || ls; }; ls")).toEqual(["", "/x", "/x", "/x", "?"]);
  expect(directories("cd && ls")).toEqual(["", "~"]);
  expect(directories("cd x && ls || ls")).toEqual(["", "x", "?"]);
});

test("what gets its input from another command is told", () => {
  const piped = (command: string) => exec(command).parts?.map((part) => part.piped);
  expect(piped("echo x | deployctl run | cat; df")).toEqual([false, true, true, false]);
  expect(piped("echo x | (deployctl run; { deployctl stop; }) && df")).toEqual([false, true, true, false]);
});

test("a command of the shell that is not understood leaves nothing that could be allowed alone", () => {
  for (const command of [
    "export PATH=/tmp; ls",
    "alias ls=rm; ls",
    "printf -v PATH x; ls",
    "time cd /x && ./run",
    "set -- a; ls",
    "cd - && ls",
  ]) {
    expect(exec(command)).toMatchObject({ facts: { opaque: true } });
    expect(exec(command).parts).toBeUndefined();
  }
  expect(exec("sh -c id; ls").parts?.map(({ opaque }) => opaque)).toEqual([true, false]);
});

test("paths are joined to the folder, folded, and listed with and without ..", () => {
  expect(facts("cat /etc//x/./../shadow").paths).toEqual(["/etc/shadow", "/etc/x/../shadow"]);
  expect(exec("cd /etc && cat shadow > ../out").parts?.[1]?.paths).toEqual(["/etc/../out", "/etc/shadow", "/out"]);
  expect(facts("grep -f/etc/a --exclude-from=/etc/b x").paths).toEqual(["/etc/a", "/etc/b", "x"]);
  expect(facts("dd if=/dev/sda bs=1M").paths).toContain("/dev/sda");
  expect(facts("curl -d @/etc/passwd http://x/").paths).toContain("/etc/passwd");
  expect(facts("ls > -rf").paths).toEqual(["-rf"]);
  // A group's redirect is opened before its own cd.
  expect(exec("{ cd /etc && ls; } > x").parts?.[1]?.paths).toEqual(["x"]);
});

test("a terminal is told apart", () => {
  expect(exec("ls", true).facts.tty).toBe(true);
  expect(exec("ls", true)).not.toBe(exec("ls"));
});

test("facts are frozen and seen ones are the same", () => {
  const { facts: whole, parts } = exec("ls; df");
  expect([whole, whole.argv, parts, parts?.[0], parts?.[0]?.programs].every((value) => Object.isFrozen(value))).toBe(true);
  expect(exec("ls; df")).toBe(exec("ls; df"));
});

test.each([
  ["x".repeat(32 * 1024 + 1), "operation_too_large"],
  [`ls ${"é".repeat(33 * 1024)}`, "operation_too_large"],
  [`ls${" a".repeat(500)}`, "operation_too_large"],
  ["ls;".repeat(101), "operation_too_large"],
  [`ls ${"a ".repeat(2000)}`, "operation_too_large"],
  [`${"( ".repeat(11)}ls${" )".repeat(11)}`, "invalid_operation"],
])("too much is refused: %#", (command, code) => {
  expect(() => facts(command)).toThrow(expect.objectContaining({ code }));
});

test("a refusal is told in a few words that hold nothing of the arguments", () => {
  const { summary } = protocols.ssh;
  expect(summary(facts("mysql -psecret | grep password"))).toBe("grep, mysql");
  expect(summary(facts("$x"))).toBe("a command line");
  expect(summary(classifySsh({ kind: "ssh.subsystem", subsystem: "sftp" }).facts)).toBe("the subsystem sftp");
});
