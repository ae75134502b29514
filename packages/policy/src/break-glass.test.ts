import { expect, test } from "vitest";
import type { Approval } from "./decision.ts";
import { type Circumstances, quorum } from "./quorum.ts";
import type { Approver, Vote } from "./vote.ts";

const rule = (name: string, breakGlass?: readonly string[]): Approval["requirements"][number] => ({
  rule: name,
  stages: [{ approvers: ["group:dba"], count: 2 }],
  ...(breakGlass && { breakGlass: { approvers: breakGlass, reviewWithinMs: 1000 } }),
});
const approval = (...requirements: Approval["requirements"]): Approval => ({
  ...{ requirements, expiresMs: 60_000, validForMs: 60_000, justification: "optional" },
});

function vote(approver: Partial<Approver> & { subject: string }, more: Partial<Vote> = {}): Vote {
  return {
    ...{ requestId: "r", requestDigest: "sha256:0", verdict: "approve", comment: "the site is down", timeMs: 0 },
    approver: { issuer: "test", groups: [], ...approver },
    signature: { type: "session", value: "" },
    ...more,
  };
}

const broken = { breakGlass: true } as const;
const verdict = (of: Approval, votes: readonly Vote[], more: Partial<Circumstances> = {}) =>
  quorum(of, votes, { excluded: [], openedMs: 0, ...more }).verdict;

test("somebody whom the rule names for emergencies approves alone, if they say that it is one", () => {
  const one = approval(rule("writes", ["group:oncall"]));
  const erin = { subject: "erin", groups: ["oncall"] };
  expect(verdict(one, [vote(erin)])).toBe("waiting");
  expect(verdict(one, [vote(erin, broken)])).toBe("approved");
  expect(quorum(one, [vote(erin, broken)], { excluded: [], openedMs: 0 }).requirements).toMatchObject([
    { brokeGlass: true, satisfied: true, stages: [{ approved: 0, satisfied: false }] },
  ]);
});

test("ap-self: saying so helps nobody whom the rule does not name, who is excluded, locked, or has it from somebody else", () => {
  const one = approval(rule("writes", ["group:oncall"]));
  const erin = { subject: "erin", groups: ["oncall"] };
  expect(verdict(one, [vote({ subject: "ann", groups: ["dba"] }, broken)])).toBe("waiting");
  expect(verdict(approval(rule("writes")), [vote(erin, broken)])).toBe("waiting");
  expect(verdict(one, [vote(erin, broken)], { excluded: [{ issuer: "x", subject: "erin" }] })).toBe("waiting");
  expect(verdict(one, [vote(erin, broken)], { isLocked: ({ subject }) => subject === "erin" })).toBe("waiting");
  expect(verdict(one, [vote({ subject: "zoe", actingFor: [erin] }, broken)])).toBe("waiting");
});

test("another rule that names nobody for emergencies is as strict as ever", () => {
  const both = approval(rule("writes", ["user:erin"]), rule("payments"));
  const erin = vote({ subject: "erin", groups: ["dba"] }, broken);
  expect(verdict(both, [erin])).toBe("waiting");
  expect(verdict(both, [erin, vote({ subject: "ann", groups: ["dba"] })])).toBe("approved");
});

test("one denial denies, also in an emergency", () => {
  const one = approval(rule("writes", ["user:erin"]));
  const no = vote({ subject: "ann", groups: ["dba"] }, { verdict: "deny" });
  expect(verdict(one, [vote({ subject: "erin" }, broken), no])).toBe("denied");
});
