// The texts are shells' own: their dollar signs are not ours.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: command lines
import { describe, expect, test } from "vitest";
import { classifySsh } from "../ssh.ts";

const facts = (command: string, tty = false) => classifySsh({ kind: "ssh.exec", command, tty });

describe("ssh-opaque: the shell would change the words, or shells read them differently", () => {
  test.each([
    // Substitution and expansion.
    "ls $(id)",
    "ls `id`",
    'ls "$(id)"',
    'ls "`id`"',
    "$(echo rm) -rf /",
    "ls $HOME",
    'ls "${HOME}"',
    "ls ${x:-$(id)}",
    "echo $((1+1))",
    "echo $[1+1]",
    "cat <(id)",
    "ls > >(sh)",
    "r$@m -rf /",
    "${PATH:0:1}bin${PATH:0:1}sh",
    "$'\\x6c\\x73'",
    "ls $'\\n'",
    'ls $"x"',
    // Patterns, braces, home folders.
    "/bin/r? -rf /",
    "/bin/[r]m x",
    "ls *",
    "cat /etc/sh*dow",
    "ls [a-z]",
    "{rm,-rf,/}",
    "ls {a,b}",
    "cat ~/.ssh/id_rsa",
    "cat x:~root",
    "=rm x",
    "ls =id",
    "ls a^b",
    // Standard input given as text.
    "sh <<E\nid\nE",
    "cat <<'E'\nx\nE",
    "sh <<< id",
    // What only some shells have.
    "ls &> f",
    "ls &>> f",
    "ls >& f",
    "ls >| f",
    "ls >! f",
    "ls <> f",
    "ls |& sh",
    "ls 10> f",
    "ls {fd}> f",
    "ls 2>&1-",
    "ls >&10",
    "cat a<1-2>b",
    "'2'> f",
    "\\2> f",
    "[[ -f x ]]",
    "((1))",
    "(( a[$(id)] ))",
    "((ls); ls)",
    "ls &",
    "ls & rm x",
    "coproc ls",
    "!ls",
    "ls !x",
    "ls a#b",
    "a\u00a0b",
    "ls\u3000x",
    "ls\r\nid",
    "ls 'a\rb'",
    "ls 'a\u0001b'",
    "ls 'a\u007fb'",
    "ls '\u0085'",
    "ls\u000bid",
    'ls "é\\""',
    "ls 'a''b'",
    "l\\\ns",
    "ls \\\n#x",
    'ls "a\\\nb"',
    // Constructs that are not followed.
    "if ls; then rm x; fi",
    "for i in a; do ls; done",
    "while ls; do ls; done",
    "case a in a) ls;; esac",
    "f() { ls; }; f",
    "function ls { rm x; }; ls",
    "{ echo }; }",
    "x=ls",
    "> f",
    "time { rm x; }",
    "time -p rm x",
    "! time rm x",
  ])("%j", (command) => {
    const { facts: whole, parts } = facts(command);
    expect(whole).toMatchObject({ opaque: true, readOnly: false, network: true, elevated: true });
    expect(whole.doubts).not.toEqual([]);
    // Where the words are not certain, there is nothing that could be allowed by itself.
    expect(parts).toBeUndefined();
  });
});

test.each([
  "ls &| rm x",
  "time | rm x",
  "ls ;; rm x",
  "ls |",
  "&& ls",
  "ls )",
  "'ls",
  'ls "x',
  "if",
  "{ ls",
  "",
  " ",
  "# ls",
  "\n\t\n",
  "ls\0id",
  "ls \ud800",
])("refused, because no shell would take it or it has two meanings: %j", (command) => {
  expect(() => facts(command)).toThrow(expect.objectContaining({ code: "invalid_operation" }));
});
