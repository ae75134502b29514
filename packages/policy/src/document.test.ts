import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseDocument } from "./document.ts";
import { DocumentError } from "./problem.ts";

const schema = z.strictObject({
  name: z.string(),
  port: z.int().optional(),
  mode: z.enum(["fast", "safe"]).default("safe"),
  size: z.union([z.string(), z.number()]).optional(),
  people: z.array(z.strictObject({ id: z.string(), groups: z.array(z.string()).optional() })).default([]),
  targets: z.record(z.string(), z.strictObject({ address: z.string() })).optional(),
});

function problems(text: string): string {
  try {
    return JSON.stringify(parseDocument("c.yaml", text, schema));
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    return error.message;
  }
}

test("gives what the schema says, with its defaults", () => {
  expect(parseDocument("c.yaml", "name: x # comment\n", schema)).toEqual({ name: "x", mode: "safe", people: [] });
});

describe("every problem has a file, line, column, what was found and what is expected", () => {
  test.each([
    ["name: 5", "c.yaml:1:7: found 5, expected a text"],
    ["port: 1", 'c.yaml:1:1: "name" is missing; expected a text'],
    ["name: x\nport: a", 'c.yaml:2:7: found the text "a", expected a number'],
    ["name: x\nport: 1.5", "c.yaml:2:7: found 1.5, expected a whole number"],
    ["name: x\nmode: save", 'c.yaml:2:7: found the text "save", expected fast or safe; did you mean "safe"?'],
    ["name: x\nsize: []", "c.yaml:2:7: found a list, expected a text or a number"],
    ["name: x\nprot: 1", 'c.yaml:2:1: unknown key "prot"; did you mean "port"?'],
    ["name: x\nzzzzzz: 1", 'c.yaml:2:1: unknown key "zzzzzz"; expected one of: name, port, mode, size, people, targets'],
    ["name: x\npeople:\n  - id: a\n    group: [b]", 'c.yaml:4:5: unknown key "group"; did you mean "groups"?'],
    ["name: x\npeople:\n  - groups: []", 'c.yaml:3:5: "id" is missing; expected a text'],
    [
      "name: x\ntargets:\n  db:\n    adress: y",
      'c.yaml:4:5: "address" is missing; expected a text\nc.yaml:4:5: unknown key "adress"; did you mean "address"?',
    ],
    ["", "c.yaml:1:1: found nothing, expected a mapping"],
    ["- 1", "c.yaml:1:1: found a list, expected a mapping"],
    ["name: x\nname: y", "c.yaml:2:1: not valid YAML: Map keys must be unique"],
    ["name: [x", "c.yaml:1:9: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]"],
    [
      "name: x\n---\nname: y",
      "c.yaml:2:1: not valid YAML: Source contains multiple documents; please use YAML.parseAllDocuments()",
    ],
    ["name: !evil x", "c.yaml:1:7: not valid YAML: Unresolved tag: !evil"],
    ["name: x\n? [a]\n: b", "c.yaml:2:3: not valid YAML: With stringKeys, all keys must be strings"],
  ])("%j", (text, expected) => {
    expect(problems(text)).toBe(expected);
  });

  test("several are listed in the order of the file", () => {
    expect(
      problems("mode: x\nname: 1\nprot: 2")
        .split("\n")
        .map((line) => line.split(":")[1]),
    ).toEqual(["1", "2", "3"]);
  });

  test("a place below an alias is found at its anchor", () => {
    expect(problems("name: x\npeople:\n  - &a\n    id: 5\n  - *a")).toContain("c.yaml:4:9: found 5, expected a text");
  });
});

test("aliases that multiply do not use up memory", () => {
  const levels = Array.from({ length: 30 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}, *l${level}]`);
  expect(problems(`l0: &l0 x\n${levels.join("\n")}`)).toMatch(/c\.yaml:1:1: not usable YAML: .*alias/i);
});

test("prototype keys are ordinary unknown keys", () => {
  expect(problems("name: x\n__proto__: {}")).toMatch(/unknown key "__proto__"/);
  expect(problems("name: x\nconstructor: {}")).toMatch(/unknown key "constructor"/);
});
