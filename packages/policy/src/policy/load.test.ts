import { describe, expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { PolicyError } from "../problem.ts";
import { problemsOf } from "../testing-policy.ts";

describe("a policy that cannot be used is refused", () => {
  function problems(rule: string): string {
    const text = rule.startsWith("version") ? rule : `version: 1\nrules:\n  - ${rule.replaceAll("\n", "\n    ")}\n`;
    return problemsOf(text);
  }

  const review = (approval: string) => `id: a\neffect: review\napproval: ${approval}`;

  test.each([
    ["version: 2\nrules: []", "p.yaml:1:10: found 2, expected 1"],
    ["version: 1", 'p.yaml:1:1: "rules" is missing; expected a list'],
    ["id: a\neffect: allow\nwen: true", 'p.yaml:5:5: unknown key "wen"; did you mean "when"?'],
    ["id: a\neffect: permit", 'p.yaml:4:13: found the text "permit", expected allow or deny or review'],
    ["id: a b\neffect: deny", "p.yaml:3:9: an id holds letters, digits, dots, dashes and underscores (at most 100)"],
    ["effect: deny", 'p.yaml:3:5: "id" is missing; expected a text'],
    ["id: a\neffect: deny\nwhen: true", "p.yaml:5:11: found true, expected a text"],
    ["id: a\neffect: deny\nwhen: sql.readonly", 'p.yaml:5:11: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    ["id: a\neffect: deny\nwhen: 'true && sql.readonly'", 'p.yaml:5:20: unknown fact sql.readonly; did you mean "sql.readOnly"?'],
    [
      "id: a\neffect: deny\nwhen: |\n  true &&\n    sql.readonly",
      'p.yaml:7:9: unknown fact sql.readonly; did you mean "sql.readOnly"?',
    ],
    ["id: a\neffect: deny\nwhen: sql.tables", "p.yaml:5:11: the condition gives list<string>, expected bool (true or false)"],
    [
      "id: a\neffect: deny\nwhen: sql.text.matches('(')",
      "p.yaml:5:28: not a regular expression (RE2 syntax): error parsing regexp: missing closing ): `(`",
    ],
    ["id: a\neffect: deny\nrole: x", 'p.yaml:5:11: "role" has no meaning for effect: deny; it belongs to allow and review rules'],
    [
      "id: a\neffect: allow\napproval: { stages: [{ approvers: ['user:a'] }] }",
      'p.yaml:5:15: "approval" has no meaning for effect: allow; it belongs to review rules',
    ],
    [
      `${review("{ stages: [{ approvers: ['user:a'] }] }")}\nopaque: true`,
      'p.yaml:6:13: "opaque" has no meaning for effect: review; it belongs to allow rules',
    ],
    ["id: a\neffect: review", 'p.yaml:3:5: "approval" is missing; a review rule says who approves'],
    ["id: a\neffect: deny\nresources: []", "p.yaml:5:16: resources must name at least one; leave it out for all"],
    ["id: a\neffect: deny\nresources: ['label:x']", 'p.yaml:5:17: "label:x" is not a label selector; expected label:KEY=VALUE'],
    ["id: a\neffect: allow\nlimits: { rows: 0 }", "p.yaml:5:21: rows must be at least 1"],
    [
      "id: a\neffect: allow\nlimits: { bytes: 10 parsecs }",
      'p.yaml:5:22: "10 parsecs" is not a size; expected something like "10MB", "512KiB" or a number of bytes',
    ],
    [
      "id: a\neffect: allow\nlimits: { time: soon }",
      'p.yaml:5:21: "soon" is not a duration; expected something like "30s", "5m" or "1h"',
    ],
    [
      "id: a\neffect: allow\nlimits: { time: 15d }",
      'p.yaml:5:21: "15d" is longer than 14d; expected something like "30s", "5m" or "1h"',
    ],
    ["id: a\neffect: allow\nlimits: { row: 5 }", 'p.yaml:5:15: unknown key "row"; did you mean "rows"?'],
    [review("{ stages: [] }"), "p.yaml:5:25: stages must hold at least one stage"],
    [review("{ stages: [{ approvers: [] }] }"), "p.yaml:5:39: approvers must name at least one group or user"],
    [
      review("{ stages: [{ approvers: [dba] }] }"),
      'p.yaml:5:40: expected "group:NAME" or "user:SUBJECT", e.g. "group:dba-oncall"; did you mean "group:dba" or "user:dba"?',
    ],
    [review("{ stages: [{ approvers: ['user:a', 'user:a'] }] }"), "p.yaml:5:39: an approver is named twice"],
    [
      review("{ stages: [{ approvers: ['group:a'], count: 0 }] }"),
      "p.yaml:5:59: count must be at least 1: nothing is approved by nobody",
    ],
    [
      review("{ stages: [{ approvers: ['user:a'], count: 2 }] }"),
      "p.yaml:5:58: count is 2, but only 1 person is named: it could never be satisfied",
    ],
    [
      review("{ stages: [{ approvers: ['user:a'] }, { approvers: ['user:a'] }] }"),
      "p.yaml:5:25: the stages need 2 different people, but only 1 is named: a person votes once",
    ],
  ])("%j", (rule, expected) => {
    expect(problems(rule)).toBe(expected);
  });

  test("an id that is taken, in the same file or in another", () => {
    expect(problems("version: 1\nrules:\n  - { id: a, effect: deny }\n  - { id: a, effect: allow }")).toBe(
      'p.yaml:4:11: the id "a" is taken by the rule at p.yaml:3',
    );
    const rule = "version: 1\nrules: [{ id: a, effect: deny }]";
    expect(() => loadPolicy({ "b.yaml": rule, "a.yaml": rule })).toThrow(
      'b.yaml:2:15: the id "a" is taken by the rule at a.yaml:2',
    );
  });

  test("problems of all files are listed together", () => {
    expect(() => loadPolicy({ "a.yaml": "version: 2\nrules: []", "b.yaml": "[" })).toThrow(/a\.yaml:1:10: .*\nb\.yaml:1:2: /);
    expect(() => loadPolicy({})).toThrow(PolicyError);
  });
});
