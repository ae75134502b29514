import { expect, test } from "vitest";
import { loadParser } from "../facts/postgres/parser.ts";
import type { Question } from "../policy.ts";
import { policyOf, questionOf } from "../testing-policy.ts";

await loadParser();

const policy = policyOf(
  "always allow role: reader",
  'by-subject deny when: principal.subject == "mallory"',
  'by-group deny when: ("banned" in principal.groups)',
  "by-claim deny when: has(principal.claims.banned)",
  'by-reason deny when: reason.contains("please")',
  'by-role deny when: role == "writer"',
  "by-hour deny when: now.getHours() >= 22",
  'by-label deny when: has(resource.labels.env) && resource.labels.env == "prod"',
  'by-type deny when: resource.type == "mysql"',
);

const base = questionOf("select 1");
const { principal, resource } = base;

/** Each differs from the base in one thing that some rule looks at. */
const others: readonly [rule: string, question: Question][] = [
  ["by-subject", { ...base, principal: { ...principal, subject: "mallory" } }],
  ["by-group", { ...base, principal: { ...principal, groups: ["banned"] } }],
  ["by-claim", { ...base, principal: { ...principal, claims: { banned: true } } }],
  ["by-reason", { ...base, reason: "please" }],
  ["by-role", { ...base, role: "writer" }],
  ["by-hour", { ...base, nowMs: Date.UTC(2026, 0, 5, 23) }],
  ["by-label", { ...base, resource: { ...resource, labels: { env: "prod" } } }],
  ["by-type", { ...base, resource: { ...resource, type: "mysql" } }],
];

test.each(others)("what was remembered of the same statement does not answer for another question: %s", (rule, question) => {
  expect(policy.decide(base).effect).toBe("allow");
  expect(policy.decide(question)).toMatchObject({ effect: "deny", rules: [rule] });
  // And back: the same facts, the first caller again.
  expect(policy.decide(base)).toEqual(policy.decide({ ...base, principal: { ...principal } }));
  expect(policy.decide(base).effect).toBe("allow");
});
