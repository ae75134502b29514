import { type Approval, quorum, type Requirement, type Vote, type Voter } from "@countersign/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openPlane } from "../fixtures/plane.ts";
import { unanswerable } from "./answerable.ts";
import { unknownDirectory } from "./directory.ts";
import { Approvers } from "./identity.ts";

const directory = new Approvers([
  { name: "alice", groups: ["dba"] },
  { name: "bob", groups: ["dba"], accounts: ["bob@example.com"] },
  { name: "carol", groups: ["leads"] },
]);
const rule = (name: string, ...stages: [string | readonly string[], number][]): Requirement => ({
  rule: name,
  stages: stages.map(([approvers, count]) => ({ approvers: typeof approvers === "string" ? [approvers] : approvers, count })),
});
const approval = (...requirements: readonly Requirement[]): Approval => ({
  ...{ requirements, expiresMs: 3_600_000, validForMs: 300_000, justification: "optional" },
});
const because = (of: Approval, owner = "") => unanswerable(of, [{ issuer: "", subject: owner }], directory);

test("an empty group, somebody who is not there, or too few people: refused with the rule, the stage and the group", () => {
  expect(because(approval(rule("writes", ["group:dba", 2])))).toBeUndefined();
  expect(because(approval(rule("writes", ["group:nobody", 1])))).toMatch(
    /^Nobody can approve this: the rule writes asks for 1 of group:nobody, and nobody could agree\./,
  );
  expect(because(approval(rule("writes", ["user:mallory", 1])))).toMatch("1 of user:mallory, and nobody could");
  expect(because(approval(rule("writes", ["group:dba", 1], ["group:leads", 2])))).toMatch(
    "the rule writes asks for 2 of group:leads in stage 2, and only 1 could agree",
  );
  expect(because(approval(rule("writes", ["group:dba", 3])))).toMatch("only 2 could");
});

test("ap-self: the requester's owner is not one of those who could, under any account", () => {
  const one = approval(rule("writes", ["user:bob", 1]));
  expect(because(one)).toBeUndefined();
  expect(because(one, "bob")).toMatch("nobody could agree");
  expect(because(one, "bob@example.com")).toMatch("nobody could agree");
  expect(because(approval(rule("writes", ["group:dba", 2])), "alice")).toMatch("only 1 could agree");
});

test("a person votes once: stages of one rule need different people", () => {
  expect(because(approval(rule("writes", ["group:dba", 1], ["group:dba", 1])))).toBeUndefined();
  expect(because(approval(rule("writes", ["group:dba", 2], ["group:dba", 1])))).toMatch(
    "the rule writes asks for 2 of group:dba, then 1 of group:dba, all different people",
  );
  // One vote counts for both rules.
  expect(because(approval(rule("a", ["group:dba", 2]), rule("b", ["group:dba", 2])))).toBeUndefined();
});

test("rules that each could be satisfied, but not in any order together, are refused", () => {
  const pair = ["user:alice", "user:bob"];
  const first = rule("a", [pair, 1], ["user:alice", 1]);
  const second = rule("b", ["user:alice", 1], ["user:bob", 1]);
  expect(because(approval(first))).toBeUndefined();
  expect(because(approval(second))).toBeUndefined();
  expect(because(approval(first, second))).toMatch("the rules a, b need more different people together");
});

test("whom time adds counts, if the time comes before the end", () => {
  const late = (afterMs: number) => {
    const stage = { approvers: ["group:nobody"], count: 1, escalate: [{ afterMs, to: ["group:leads"] }] };
    return because(approval({ rule: "writes", stages: [stage] }));
  };
  expect(late(600_000)).toBeUndefined();
  expect(late(3_600_000)).toMatch("nobody could agree");
});

test("somebody who may break the glass can approve", () => {
  const emergency = (approver: string): Requirement => ({
    ...rule("writes", ["group:nobody", 1]),
    breakGlass: { approvers: [approver], reviewWithinMs: 1 },
  });
  expect(because(approval(emergency("user:carol")))).toBeUndefined();
  expect(because(approval(emergency("user:carol")), "carol")).toMatch("nobody could agree");
  expect(because(approval(emergency("user:mallory")))).toMatch("nobody could agree");
});

test("where only a sign-in tells who somebody is, nobody is refused for it", () => {
  expect(unanswerable(approval(rule("writes", ["group:any", 99])), [], unknownDirectory)).toBeUndefined();
});

test("it is refused when it is asked, nothing waits, and the reason is recorded", async () => {
  const { open, requests, log } = await openPlane(undefined, undefined, undefined, { directory });
  await expect(open({ approval: { requirements: [rule("writes", ["group:nobody", 1])] } })).rejects.toMatchObject({
    code: "nobody_can_approve",
    message: expect.stringMatching("the rule writes asks for 1 of group:nobody"),
  });
  expect(await requests.list({ unfinishedOf: "local" })).toEqual([]);
  expect(log.records).toMatchObject([{ type: "refusal", detail: { code: "nobody_can_approve", rules: ["writes"] } }]);
});

// Against the count itself: every order in which every choice of people could vote, as themselves or in an emergency.
const names = ["ann", "bob", "cay", "dan"];
const groups = ["g", "h"];
const named = fc.uniqueArray(fc.constantFrom(...names.map((one) => `user:${one}`), ...groups.map((one) => `group:${one}`)), {
  minLength: 1,
  maxLength: 2,
});
const stage = fc.record({ approvers: named, count: fc.integer({ min: 1, max: 2 }) });
const requirement = fc.record(
  {
    rule: fc.constant("r"),
    stages: fc.array(stage, { minLength: 1, maxLength: 2 }),
    breakGlass: fc.record({ approvers: named, reviewWithinMs: fc.constant(1) }),
  },
  { requiredKeys: ["rule", "stages"] },
);
const membership = fc.array(fc.subarray(groups), { minLength: names.length, maxLength: names.length });

function orders(people: readonly Voter[]): readonly (readonly Voter[])[] {
  return [[], ...people.flatMap((one) => orders(people.filter((other) => other !== one)).map((rest) => [one, ...rest]))];
}

function vote(approver: Voter, breakGlass: boolean): Vote {
  return {
    ...{ requestId: "r", requestDigest: "sha256:0", verdict: "approve", comment: "", timeMs: 1 },
    approver: { issuer: "", ...approver },
    ...(breakGlass && { breakGlass }),
    signature: { type: "session", value: "" },
  };
}

test("it is answerable exactly when some people in some order would satisfy the count", () => {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(
      fc.array(requirement, { minLength: 1, maxLength: 3 }),
      membership,
      fc.constantFrom("", ...names),
      (requirements, memberOf, owner) => {
        const people = names.map((name, index) => ({ name, groups: memberOf[index] ?? [] }));
        const excluded = [{ issuer: "", subject: owner }];
        const asked = approval(...requirements);
        const voters = people.map(({ name, groups: of }): Voter => ({ subject: name, groups: of }));
        // Saying that it is an emergency never counts for less.
        const possible = orders(voters).some(
          (order) =>
            quorum(
              asked,
              order.map((one) => vote(one, true)),
              { excluded, openedMs: 0 },
            ).verdict === "approved",
        );
        seen[possible ? "yes" : "no"] += 1;
        expect(unanswerable(asked, excluded, new Approvers(people)) === undefined).toBe(possible);
      },
    ),
    { numRuns: 1500 },
  );
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(100);
});
