import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guardedShell } from "../../action.ts";
import { classify } from "../../facts.ts";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifySsh } from "../ssh.ts";
import {
  composeChange,
  composeShellLine,
  directoryNamed,
  mostLineBytes,
  readShellLine,
  type ShellSetting,
  withVariables,
} from "./shell-line.ts";

const here: ShellSetting = { directory: "/srv/it's", variables: new Map([["TZ", "UTC"]]) };
const nothing: ShellSetting = { directory: "", variables: new Map() };

/** A refusal is as strict as opaque. */
function isOpaque(command: string): boolean {
  try {
    return classifySsh({ kind: "ssh.exec", command }).facts.opaque;
  } catch (error) {
    if (error instanceof CountersignError) return true;
    throw error;
  }
}

describe("commands of the shell itself", () => {
  test.each<[string, ReturnType<typeof readShellLine>]>([
    ["cd /srv", { type: "cd", to: "/srv" }],
    ["  cd -- 'a b' ", { type: "cd", to: "a b" }],
    ["cd", { type: "cd" }],
    ["cd ~", { type: "cd" }],
    ["cd ~/x", { type: "cd", to: "x" }],
    ["cd -", { type: "cd", to: "-" }],
    [
      "export A=b C='d e'",
      {
        type: "export",
        variables: [
          ["A", "b"],
          ["C", "d e"],
        ],
      },
    ],
    ["export", { type: "export", variables: [] }],
    ["unset A", { type: "unset", names: ["A"] }],
    ["exit 300", { type: "exit", status: 44 }],
    ["echo $?", { type: "status" }],
    ["pwd", { type: "pwd" }],
    ["", { type: "blank" }],
    ["  # only words", { type: "blank" }],
  ])("%j", (text, line) => {
    expect(readShellLine(text)).toEqual(line);
  });

  test.each([
    "cd $(x)",
    "cd $HOME",
    "cd a b",
    "cd x; ls",
    "(cd x)",
    "! cd x",
    "cd x > y",
    "A=b cd x",
    "cd x # y",
    "time cd x",
    "export A=$B",
    "cd -P x",
    "\\pwd -L",
    "cd x\ncd y",
  ])("in any other form it is a command like others: %j", (text) => {
    expect(readShellLine(text)).toEqual({ type: "command" });
  });

  test.each([
    "PATH",
    "LD_PRELOAD",
    "BASH_ENV",
    "ENV",
    "IFS",
    "PROMPT_COMMAND",
    "PS4",
    "BASH_FUNC_ls%%",
    "GIT_SSH_COMMAND",
    "LESSOPEN",
    "PERL5OPT",
    "PYTHONPATH",
    "HOME",
    "CDPATH",
    "ZDOTDIR",
  ])("ssh-opaque: %s is not exported", (name) => {
    expect(readShellLine(`export ${name}=x`).type).toBe("refused");
  });

  test.each([
    "export A='\u202Eb'",
    "export A='a\tb'",
    `export A=${"x".repeat(2000)}`,
    "export A",
    "unset 1",
    "exit x",
    `ls ${"x".repeat(mostLineBytes)}`,
    "cat <<E\nx\nE",
    "cat <<E",
  ])("refused: %j", (text) => {
    expect(readShellLine(text).type).toBe("refused");
  });

  test.each([
    "echo 'a",
    'echo "a',
    "ls &&",
    "ls |",
    "ls \\",
    "(ls",
    "{ ls",
    "if true; then",
    "echo $(ls",
    "echo `ls",
    "for i in 1",
  ])("more has to follow: %j", (text) => {
    expect(readShellLine(text)).toEqual({ type: "unfinished" });
  });

  test.each(["ls )", "}", "a; } && { b", "ls && ; b"])("what can only be wrong is asked about as it is: %j", (text) => {
    expect(readShellLine(text)).toEqual({ type: "command" });
  });
});

describe("what is sent", () => {
  test("the directory and the variables are in it, and in its facts", () => {
    const sent = composeShellLine(here, "touch a; df -h # b");
    expect(sent).toBe("cd '/srv/it'\\''s' && export TZ='UTC' && {\ntouch a; df -h # b\n}");
    const { facts, parts } = classifySsh({ kind: "ssh.exec", command: sent });
    expect(facts).toMatchObject({ opaque: false, directory: "/srv/it's", programs: ["cd", "df", "export", "touch"] });
    expect(parts?.map(({ command, directory, readOnly }) => [command, directory, readOnly])).toEqual([
      ["cd '/srv/it'\\''s'", "", true],
      ["export TZ='UTC'", "/srv/it's", true],
      ["touch a", "/srv/it's", false],
      ["df -h", "/srv/it's", true],
    ]);
    expect(composeShellLine(nothing, " ls")).toBe(" ls");
    expect(composeShellLine(here, " ls ")).toBe("cd '/srv/it'\\''s' && export TZ='UTC' && ls");
  });

  test("a variable that is not known to be harmless makes every line opaque, and says so", () => {
    const setting = withVariables(nothing, [["APP_MODE", "x"]]);
    const { facts, parts } = classifySsh({ kind: "ssh.exec", command: composeShellLine(setting ?? nothing, "ls") });
    expect(facts).toMatchObject({ opaque: true, doubts: ["export sets APP_MODE, which may change what runs"] });
    expect(parts).toBeUndefined();
  });

  test("no more variables than an approver can read", () => {
    expect(
      withVariables(
        nothing,
        Array.from({ length: 33 }, (_, index) => [`A${index}`, ""] as const),
      ),
    ).toBeUndefined();
  });

  test("cd is asked of the target, without CDPATH", () => {
    expect(composeChange(nothing, "x")).toBe("cd './x' && pwd -P");
    expect(composeChange(here, "../y")).toBe("cd '/srv/it'\\''s/../y' && pwd -P");
    expect(composeChange({ ...here, directory: "/" }, "y")).toBe("cd '/y' && pwd -P");
    expect(composeChange(here, "/z")).toBe("cd '/z' && pwd -P");
    expect(classifySsh({ kind: "ssh.exec", command: composeChange(here, "x") }).facts).toMatchObject({ readOnly: true });
    expect(directoryNamed("/srv\n")).toBe("/srv");
    for (const output of ["/srv", "motd\n/srv\n", "srv\n", "/a\nb\n", "/\u001b[2J\n", "", "\n"])
      expect(directoryNamed(output)).toBeUndefined();
  });

  const word = fc.constantFrom(
    ..."'\"\\`$(){}[]<>&|;!#~*?=%\n \t",
    "ls",
    "rm",
    "cd",
    "/x",
    "a",
    "}",
    "{",
    "&&",
    "||",
    "do",
    "echo",
    "export",
    "A=b",
    "é",
  );
  const line = fc.array(word, { maxLength: 12 }).map((words) => words.join(""));
  const spaced = fc.array(word, { maxLength: 8 }).map((words) => words.join(" "));
  const directory = fc.oneof(
    fc.constant(""),
    fc.array(word, { maxLength: 5 }).map((words) => `/${words.join("").replaceAll(/[\n\t]/g, "")}`),
  );
  const variables = fc.array(
    fc.tuple(fc.constantFrom("TZ", "LANG", "A", "FOO"), fc.constantFrom("UTC", "C", "$(id)", "a'b", "x y", "; rm")),
    { maxLength: 3 },
  );

  test("ssh-opaque: nothing opaque becomes clear by a directory and variables, and nothing that is asked about is lost", () => {
    fc.assert(
      fc.property(fc.oneof(line, spaced), directory, variables, (text, at, exported) => {
        const read = readShellLine(text);
        if (read.type !== "command") return;
        const sent = composeShellLine({ directory: at, variables: new Map(exported) }, text);
        if (isOpaque(text)) expect([text, sent, isOpaque(sent)]).toEqual([text, sent, true]);
        if (isOpaque(sent)) return;
        const own = classifySsh({ kind: "ssh.exec", command: text }).facts;
        const all = classifySsh({ kind: "ssh.exec", command: sent }).facts;
        expect(all.argv.slice(all.argv.length - own.argv.length)).toEqual(own.argv);
        expect(all).toMatchObject({
          readOnly: own.readOnly,
          elevated: own.elevated,
          network: own.network,
          redirects: own.redirects,
        });
      }),
      { numRuns: Number(process.env.SHELL_RUNS ?? 3000) },
    );
  });
});

test("the shell itself is decided about by its name: default deny, and no rule takes it in by accident", () => {
  const decide = (when: string, opaque = "") => {
    const facts = classify({ kind: "ssh.subsystem", subsystem: guardedShell }, { searchPath: [] });
    const resource = { name: "web-1", type: "ssh", labels: {}, roles: ["ops"] };
    const principal = { issuer: "i", subject: "s", groups: [], claims: {} };
    const policy = loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: a, effect: allow, when: '${when}'${opaque} }]` });
    return policy.decide({ resource, principal, facts, reason: "", nowMs: 0 }).effect;
  };
  expect(decide('ssh.subsystem == "guarded-shell"')).toBe("allow");
  expect(decide('ssh.subsystem == "sftp"')).toBe("deny");
  for (const when of ["ssh.readOnly", "!ssh.elevated", 'ssh.file == ""', "true"])
    expect(decide(when, ", opaque: true")).toBe("deny");
});
