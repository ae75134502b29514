import fc from "fast-check";
import { expect, test } from "vitest";
import { classify, type Facts } from "../../facts.ts";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifySsh } from "../ssh.ts";

const rules = [
  [
    "anything",
    "effect: allow, when: ssh.command != '' && (ssh.network || ssh.elevated || ssh.tty || true) && ssh.redirects.size() >= 0 && (ssh.piped || true) && ssh.directory != 'x'",
  ],
  ["no-rm", "effect: deny, when: 'ssh.programs.exists(p, p == \"rm\")'"],
  ["no-secrets", "effect: deny, when: 'ssh.paths.exists(p, p.startsWith(\"/secret\"))'"],
] as const;
const policyOf = (order: readonly (readonly [string, string])[]) =>
  loadPolicy({
    "p.yaml": `version: 1\nrules:\n${order.map(([id, text]) => `  - { id: ${id}, ${text.replace(/when: (ssh.*)$/, 'when: "$1"')} }\n`).join("")}`,
  });
const policy = policyOf(rules);
const reversed = policyOf(rules.toReversed());

function decide(facts: Facts, by = policy) {
  const resource = { name: "web-1", type: "ssh", labels: {}, roles: ["ops"] };
  const principal = { issuer: "i", subject: "s", groups: [], claims: {} };
  return by.decide({ resource, principal, facts, reason: "", nowMs: 0 });
}

/** A refusal is as strict as a denial. */
function effect(command: string): "allow" | "deny" | "review" {
  try {
    return decide(classify({ kind: "ssh.exec", command }, { searchPath: [] })).effect;
  } catch (error) {
    if (error instanceof CountersignError) return "deny";
    throw error;
  }
}

const plain = fc.constantFrom(
  "ls -l",
  "df -h",
  "cat x",
  "grep -c a b",
  "deployctl status",
  "cd /srv && ls",
  "echo 'rm'",
  "(id; w)",
  "{ uptime; }",
  "! true",
  "sudo id",
);
const separator = fc.constantFrom(";", " ; ", "\n", "&&", " && ", "||", " | ", "|", " &&\n", ";\n# x\n", " \\\n | ");

test("what is refused stays refused beside anything else", () => {
  expect(effect("ls -l; df -h && sudo id")).toBe("allow");
  const refused = fc.constantFrom(
    "rm x",
    "sudo rm x",
    "cat /secret/a",
    "cat //secret/./a",
    "find . -exec rm {} +",
    "cd /secret && cat a",
    "ls > /secret/x",
    "$x",
    "sh -c rm",
  );
  const others = fc.array(fc.tuple(plain, separator), { maxLength: 4 });
  const after = fc.array(fc.tuple(separator, plain), { maxLength: 4 });
  fc.assert(
    fc.property(others, refused, after, (before, text, behind) => {
      expect(effect(before.flat().join("") + text + behind.flat().join(""))).toBe("deny");
    }),
  );
});

/** One word, written in one of the ways that a shell reads as the same. */
const written = (word: string) =>
  fc.constantFrom(
    word,
    `'${word}'`,
    `"${word}"`,
    [...word].map((letter) => `\\${letter}`).join(""),
    `${word.slice(0, 1)}""${word.slice(1)}`,
    `${word.slice(0, 2)}'${word.slice(2)}'`,
    `"${word.slice(0, 1)}"${word.slice(1)}`,
  );

test("blanks, comments and quotes change nothing that counts, or make it opaque", () => {
  const commands = fc.constantFrom(
    ["rm", "-rf", "x"],
    ["ls", "-l", "/srv"],
    ["sudo", "-n", "id"],
    ["sort", "-o", "y", "x"],
    ["find", "/", "-delete"],
    ["sh", "-c", "id"],
  );
  const blank = fc.constantFrom(" ", "  ", "\t", " \\\n", " \t ");
  const end = fc.constantFrom("", " ", ";", "\n", " # x", "\n# y\n");
  const line = commands.chain((words) =>
    fc.tuple(
      fc.constant(words),
      fc.tuple(...words.map((word) => fc.tuple(written(word), blank))),
      fc.constantFrom("", " ", "\n", "# z\n"),
      end,
    ),
  );
  fc.assert(
    fc.property(line, ([words, parts, start, finish]) => {
      const usual = classifySsh({ kind: "ssh.exec", command: words.join(" ") }).facts;
      const { facts: unusual } = classifySsh({ kind: "ssh.exec", command: `${start}${parts.flat().join("")}${finish}` });
      const { programs, argv, readOnly, network, elevated, opaque, paths } = usual;
      if (unusual.opaque && !opaque) expect(unusual.programs).toEqual(expect.arrayContaining([...programs]));
      else expect(unusual).toMatchObject({ programs, argv, readOnly, network, elevated, opaque, paths });
    }),
    { numRuns: 500 },
  );
});

const pieces = fc.constantFrom(
  ..."'\"\\`$(){}[]<>&|;!#~*?=%^,: \t\n\r\0ab1-/.",
  "rm",
  "ls",
  "sh",
  "\u00a0",
  "\ud800",
  "é",
  "2>&1",
  "<<",
  "$(",
  "${",
  "((",
  "[[",
  "if ",
  "then ",
  "fi",
);

test("random text throws nothing but the typed error, and what is opaque is never allowed", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(text, fc.boolean(), (command, tty) => {
      let facts: Facts;
      try {
        facts = classify({ kind: "ssh.exec", command, tty }, { searchPath: [] });
      } catch (error) {
        expect(error).toBeInstanceOf(CountersignError);
        return;
      }
      if (facts.protocol !== "ssh") throw new Error("another protocol");
      const { effect: decided } = decide(facts);
      if (facts.ssh.opaque) expect(decided).toBe("deny");
      if (facts.ssh.readOnly) expect(facts.ssh.opaque || facts.parts?.some((part) => part.opaque || !part.readOnly)).toBeFalsy();
      expect(decide(facts, reversed).effect).toBe(decided);
      expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
    }),
    { numRuns: 2000 },
  );
});

test("an allow rule covers a redirect, a folder, a terminal, another user or another host only if it looks at it", () => {
  const allowing = (when: string) => loadPolicy({ "p.yaml": `version: 1\nrules: [{ id: a, effect: allow, when: '${when}' }]` });
  const decided = (command: string, when: string, tty = false) =>
    decide(classify({ kind: "ssh.exec", command, tty }, { searchPath: [] }), allowing(when)).effect;
  const mine = 'ssh.programs == ["deployctl"]';
  expect(decided("deployctl x", mine)).toBe("allow");
  expect(decided("deployctl x > /etc/passwd", mine)).toBe("deny");
  expect(decided("deployctl x 2> /dev/null >&2", mine)).toBe("allow");
  expect(decided("deployctl x > /tmp/y", `${mine} && ssh.redirects == ["> /tmp/y"]`)).toBe("allow");
  expect(decided("deployctl x < /tmp/mine", mine)).toBe("deny");
  const withEcho = '(ssh.programs == ["deployctl"] || ssh.programs == ["echo"])';
  expect(decided("echo all | deployctl x", withEcho)).toBe("deny");
  expect(decided("echo all | deployctl x", `${withEcho} && (ssh.piped || true)`)).toBe("allow");
  expect(decided("cat x | grep y < z", "ssh.readOnly")).toBe("allow");
  expect(decided("deployctl x", mine, true)).toBe("deny");
  expect(decided("deployctl x", `${mine} && ssh.tty`, true)).toBe("allow");
  const withCd = '(ssh.programs == ["deployctl"] || ssh.programs == ["cd"])';
  expect(decided("cd /tmp/mine && deployctl x", withCd)).toBe("deny");
  expect(decided("cd /srv && deployctl x", `${withCd} && ssh.directory in ["", "/srv"]`)).toBe("allow");
  expect(decided("cd /tmp/mine && deployctl x", `${withCd} && ssh.directory in ["", "/srv"]`)).toBe("deny");
  expect(decided("cd /var/log && ls", "ssh.readOnly")).toBe("allow");
  expect(decided("ls", "ssh.readOnly", true)).toBe("allow");
  expect(decided("sudo ls", "ssh.readOnly")).toBe("deny");
  expect(decided("sudo ls", "ssh.readOnly && ssh.elevated")).toBe("allow");
  expect(decided("curl http://x/", "ssh.readOnly")).toBe("deny");
  expect(decided("curl http://x/", "ssh.readOnly && ssh.network")).toBe("allow");
});
