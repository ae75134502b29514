import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import { includesOf, loadPolicy } from "../policy.ts";
import { ask, problemsOf } from "../testing-policy.ts";

beforeAll(loadParser);

const common = `version: 1
variables:
  secret: [public.keys, public.tokens]
  most: 2
  share: 0.5
  word: orders
  strict: true
conditions:
  small: sql.statements <= variables.most
  safe: sql.readOnly && conditions.small && !conditions.secrets
  secrets: sql.tables.exists(t, t in variables.secret)
`;
const using = (when: string) => `version: 1
include: [lib/common.yaml]
rules:
  - { id: a, effect: allow, role: reader, when: ${JSON.stringify(when)} }
`;
const load = (when: string) => loadPolicy({ "main.yaml": using(when), "lib/common.yaml": common });

test("conditions and variables of included files are used by name, whatever the order", () => {
  const policy = load("conditions.safe");
  expect(ask(policy, "select * from orders").effect).toBe("allow");
  expect(ask(policy, "select * from keys").effect).toBe("deny");
  expect(ask(policy, "delete from orders").effect).toBe("deny");
  const typed = load("variables.strict && variables.most == 2 && variables.share < 1.0 && sql.text.contains(variables.word)");
  expect(ask(typed, "select * from orders").effect).toBe("allow");
  expect(ask(typed, "select 1").effect).toBe("deny");
  expect(ask(load("sql.text.matches(variables.word)"), "select * from orders").effect).toBe("allow");
});

test("a rule looks at what its conditions look at: the protocol, the facts, and whether the same facts always answer", () => {
  const files = {
    "main.yaml": `version: 1
conditions:
  office: now.getHours() < 12
  reads: sql.readOnly
rules:
  - { id: a, effect: allow, role: reader, when: conditions.reads && conditions.office }`,
  };
  const policy = loadPolicy(files);
  expect(policy.rules[0]).toMatchObject({ protocols: ["postgres"], condition: { facts: new Set(["sql.readOnly"]) } });
  const hour = (hours: number) => ({ nowMs: Date.UTC(2026, 0, 1, hours) });
  for (const [hours, effect] of [
    [3, "allow"],
    [15, "deny"],
    [4, "allow"],
  ] as const)
    expect(ask(policy, "select 1", hour(hours)).effect).toBe(effect);
});

test("what a condition uses is looked up in its own file, also through others", () => {
  const policy = loadPolicy({
    "a.yaml": "version: 1\ninclude: [b.yaml]\nrules: [{ id: a, effect: allow, role: reader, when: conditions.b }]",
    "b.yaml": "version: 1\ninclude: [sub/c.yaml]\nconditions: { b: conditions.c && variables.b }\nvariables: { b: true }",
    "sub/c.yaml": "version: 1\ninclude: [../d.yaml]\nconditions: { c: sql.statements == variables.one }",
    "d.yaml": "version: 1\nvariables: { one: 1 }",
  });
  expect(ask(policy, "select 1").effect).toBe("allow");
});

test("two files may give the same name to different things", () => {
  const rule = (id: string, word: string) =>
    `version: 1\nvariables: { word: ${word} }\nconditions: { said: reason.contains(variables.word) }\nrules: [{ id: ${id}, effect: allow, role: reader, when: conditions.said }, { id: ${id}2, effect: allow, role: reader, when: conditions.said && reason.contains(variables.word) }]`;
  const policy = loadPolicy({ "a.yaml": rule("a", "apple"), "b.yaml": rule("b", "bean") });
  expect(ask(policy, "select 1", { reason: "an apple" })).toMatchObject({ effect: "allow", rules: ["a", "a2"] });
  expect(ask(policy, "select 1", { reason: "a bean" })).toMatchObject({ effect: "allow", rules: ["b", "b2"] });
});

describe("refused when the policy is loaded", () => {
  test.each([
    [
      { "a.yaml": "version: 1\ninclude: [comon.yaml]", "common.yaml": common },
      'a.yaml:2:11: comon.yaml is not among the policy\'s files; did you mean "common.yaml"?',
    ],
    [
      { "x/a.yaml": "version: 1\ninclude: [../../b.yaml]", "b.yaml": common },
      'x/a.yaml:2:11: ../b.yaml is not among the policy\'s files; did you mean "b.yaml"?',
    ],
    [{ "a.yaml": "version: 1\ninclude: [a.yaml]" }, "a.yaml:2:11: files must not include each other: a.yaml → a.yaml"],
    [
      { "a.yaml": "version: 1\ninclude: [b.yaml]", "b.yaml": "version: 1\ninclude:\n  - a.yaml" },
      "a.yaml:2:11: files must not include each other: b.yaml → a.yaml → b.yaml\nb.yaml:3:5: files must not include each other: a.yaml → b.yaml → a.yaml",
    ],
    [
      {
        "a.yaml": "version: 1\ninclude: [b.yaml]\nvariables: { x: 1 }\nrules: [{ id: a, effect: deny, when: variables.x == 1 }]",
        "b.yaml": "version: 1\nvariables: { x: 2 }",
      },
      "b.yaml:2:14: variables.x has two meanings in a.yaml: it is also defined at a.yaml:3",
    ],
    [
      { "p.yaml": "version: 1\nconditions:\n  a: conditions.b\n  b: conditions.c || true\n  c: conditions.a" },
      "p.yaml:3:3: conditions must not use each other: a → b → c → a",
    ],
    [{ "p.yaml": "version: 1\nconditions: { a: conditions.a }" }, "p.yaml:2:15: conditions must not use each other: a → a"],
    [
      {
        "p.yaml":
          "version: 1\nconditions:\n  a: |\n    true &&\n    sql.readonly\nrules:\n  - { id: r, effect: deny, when: conditions.a }",
      },
      'p.yaml:5:5: unknown fact sql.readonly; did you mean "sql.readOnly"?',
    ],
    [
      { "p.yaml": "version: 1\nconditions: { unused: sql.tables }" },
      "p.yaml:2:23: the condition gives list<string>, expected bool (true or false)",
    ],
    [
      { "p.yaml": "version: 1\nconditions: { small: 'true' }\nrules: [{ id: r, effect: deny, when: conditions.smal }]" },
      'p.yaml:3:38: unknown condition smal; did you mean "small"?',
    ],
    [
      { "p.yaml": "version: 1\nvariables: { most: 1 }\nrules: [{ id: r, effect: deny, when: variables.mst > 1 }]" },
      'p.yaml:3:38: unknown variable mst; did you mean "most"?',
    ],
    [
      { "p.yaml": "version: 1\nvariables: { most: 1 }\nrules: [{ id: r, effect: deny, when: variables.most == 'x' }]" },
      "p.yaml:3:38: no such overload: int == string",
    ],
    [
      { "p.yaml": "version: 1\nvariables: { list: [1, a] }" },
      "p.yaml:2:20: a list holds values of one kind: texts, numbers, or true and false",
    ],
    [{ "p.yaml": "version: 1\nvariables: { n: 9007199254740993 }" }, "p.yaml:2:17: the number is too large to be kept exactly"],
    [
      { "p.yaml": "version: 1\nvariables: { a-b: 1 }" },
      "p.yaml:2:14: a name holds letters, digits and underscores, and does not begin with a digit (at most 100)",
    ],
    [
      { "p.yaml": "version: 1\nvariables: { a: { b: 1 } }" },
      "p.yaml:2:17: found a mapping, expected a text or a number or true or false or a list",
    ],
    [
      { "a.yaml": using("conditions.safe"), "lib/common.yaml": common.replace("sql.readOnly", "sql.readonly") },
      'lib/common.yaml:10:9: unknown fact sql.readonly; did you mean "sql.readOnly"?',
    ],
    [
      {
        "p.yaml":
          "version: 1\nconditions: { a: sql.readOnly, b: ssh.tty }\nrules: [{ id: r, effect: deny, when: conditions.a || conditions.b }]",
      },
      "p.yaml:3:38: the condition uses facts of several protocols (sql, ssh), and no operation has them all; write one for each",
    ],
  ])("%#", (files, expected) => {
    expect(problemsOf(files)).toBe(expected);
  });

  test("names of another file are not seen without including it", () => {
    expect(
      problemsOf({ "a.yaml": "version: 1\nrules: [{ id: a, effect: deny, when: conditions.safe }]", "b.yaml": common }),
    ).toBe("a.yaml:2:38: unknown condition safe; this file defines and includes none");
  });
});

test("includesOf tells what has to be read, relative to the file", () => {
  expect(includesOf("dir/a.yaml", "version: 1\ninclude: [b.yaml, ../c.yaml, sub/d.yaml]")).toEqual([
    "dir/b.yaml",
    "c.yaml",
    "dir/sub/d.yaml",
  ]);
  expect(includesOf("/etc/a.yaml", "version: 1\ninclude: [b.yaml]")).toEqual(["/etc/b.yaml"]);
  expect(includesOf("a.yaml", "version: 1\nrules: []")).toEqual([]);
  expect(includesOf("a.yaml", "[")).toEqual([]);
});
