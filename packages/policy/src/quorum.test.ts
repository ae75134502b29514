import { expect, test } from "vitest";
import type { Approval } from "./decision.ts";
import { quorum } from "./quorum.ts";
import type { Vote } from "./vote.ts";

const approval: Approval = {
  requirements: [
    {
      rule: "writes",
      stages: [
        { approvers: ["group:dba"], count: 2 },
        { approvers: ["user:lead"], count: 1 },
      ],
    },
  ],
  expiresMs: 60_000,
  validForMs: 60_000,
  justification: "optional",
};

function vote(subject: string, groups: string[] = ["dba"], verdict: Vote["verdict"] = "approve"): Vote {
  const approver = { issuer: "test", subject, groups };
  return {
    requestId: "r",
    requestDigest: "sha256:0",
    approver,
    verdict,
    comment: "",
    timeMs: 0,
    signature: { type: "session", value: "" },
  };
}

test("a person counts once, however often they vote", () => {
  expect(quorum(approval, [vote("ann"), vote("ann"), vote("ann"), vote("lead")], []).verdict).toBe("waiting");
});

test("every stage must be satisfied, in order", () => {
  expect(quorum(approval, [vote("ann"), vote("bob")], []).verdict).toBe("waiting");
  expect(quorum(approval, [vote("ann"), vote("bob"), vote("lead", [])], []).verdict).toBe("approved");
  expect(quorum(approval, [vote("lead", []), vote("ann"), vote("bob")], []).verdict).toBe("waiting");
});

test("one denial denies, whatever else was said", () => {
  expect(quorum(approval, [vote("ann"), vote("bob"), vote("lead", []), vote("eve", ["dba"], "deny")], []).verdict).toBe("denied");
});

test("the requester counts for nothing, also behind another issuer", () => {
  const excluded = [{ issuer: "elsewhere", subject: "ann" }];
  expect(quorum(approval, [vote("ann"), vote("bob"), vote("lead", [])], excluded).verdict).toBe("waiting");
});

test("nothing is approved when nothing is asked for", () => {
  expect(quorum({ ...approval, requirements: [] }, [vote("ann")], []).verdict).toBe("waiting");
  expect(quorum({ ...approval, requirements: [{ rule: "r", stages: [] }] }, [vote("ann")], []).verdict).toBe("waiting");
  expect(quorum({ ...approval, requirements: [{ rule: "r", stages: [{ approvers: [], count: 0 }] }] }, [], []).verdict).toBe(
    "waiting",
  );
});
