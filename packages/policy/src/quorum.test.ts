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
  expect(quorum(approval, [vote("ann"), vote("ann"), vote("ann"), vote("lead")], { excluded: [], openedMs: 0 }).verdict).toBe(
    "waiting",
  );
});

test("every stage must be satisfied, in order", () => {
  expect(quorum(approval, [vote("ann"), vote("bob")], { excluded: [], openedMs: 0 }).verdict).toBe("waiting");
  expect(quorum(approval, [vote("ann"), vote("bob"), vote("lead", [])], { excluded: [], openedMs: 0 }).verdict).toBe("approved");
  expect(quorum(approval, [vote("lead", []), vote("ann"), vote("bob")], { excluded: [], openedMs: 0 }).verdict).toBe("waiting");
});

test("one denial denies, whatever else was said", () => {
  expect(
    quorum(approval, [vote("ann"), vote("bob"), vote("lead", []), vote("eve", ["dba"], "deny")], { excluded: [], openedMs: 0 })
      .verdict,
  ).toBe("denied");
});

test("the requester counts for nothing, also behind another issuer", () => {
  const excluded = [{ issuer: "elsewhere", subject: "ann" }];
  expect(quorum(approval, [vote("ann"), vote("bob"), vote("lead", [])], { excluded, openedMs: 0 }).verdict).toBe("waiting");
});

test("nothing is approved when nothing is asked for", () => {
  expect(quorum({ ...approval, requirements: [] }, [vote("ann")], { excluded: [], openedMs: 0 }).verdict).toBe("waiting");
  expect(
    quorum({ ...approval, requirements: [{ rule: "r", stages: [] }] }, [vote("ann")], { excluded: [], openedMs: 0 }).verdict,
  ).toBe("waiting");
  expect(
    quorum({ ...approval, requirements: [{ rule: "r", stages: [{ approvers: [], count: 0 }] }] }, [], {
      excluded: [],
      openedMs: 0,
    }).verdict,
  ).toBe("waiting");
});

const single: Approval = {
  ...approval,
  requirements: [
    {
      rule: "writes",
      stages: [
        {
          approvers: ["group:dba"],
          count: 2,
          escalate: [
            { afterMs: 600_000, to: ["group:leads"] },
            { afterMs: 1_200_000, to: ["user:cto"] },
          ],
        },
      ],
    },
  ],
};

const at = (timeMs: number, one: Vote): Vote => ({ ...one, timeMs });
const verdict = (votes: readonly Vote[], openedMs = 0, excluded: Parameters<typeof quorum>[2]["excluded"] = []) =>
  quorum(single, votes, { excluded, openedMs }).verdict;

test("ap-silence: time adds people, and never lowers how many are needed", () => {
  const late = 10_000_000;
  expect(verdict([at(late, vote("ann"))])).toBe("waiting");
  expect(verdict([at(late, vote("lea", ["leads"]))])).toBe("waiting");
  expect(verdict([at(late, vote("lea", ["leads"])), at(late, vote("cto", []))])).toBe("approved");
});

test("ap-silence: a vote of somebody who was not yet asked when they cast it does not count later either", () => {
  expect(verdict([at(599_999, vote("lea", ["leads"])), at(700_000, vote("ann"))])).toBe("waiting");
  expect(verdict([at(600_000, vote("lea", ["leads"])), at(700_000, vote("ann"))])).toBe("approved");
});

test("a later stage waits from the moment that the one before was satisfied", () => {
  const stages = [
    { approvers: ["user:ann"], count: 1 },
    { approvers: ["user:bob"], count: 1, escalate: [{ afterMs: 1000, to: ["user:lea"] }] },
  ];
  const two = { ...single, requirements: [{ rule: "r", stages }] };
  const counted = (timeMs: number) =>
    quorum(two, [at(5000, vote("ann", [])), at(timeMs, vote("lea", []))], { excluded: [], openedMs: 0 }).verdict;
  expect(counted(5999)).toBe("waiting");
  expect(counted(6000)).toBe("approved");
});

test("ap-self: several accounts of one person are one person", () => {
  const ann = vote("ann");
  const admin = vote("ann-admin");
  const accounts = ["ann", "ann-admin", "ann@example.com"];
  const both = [ann, admin].map((one) => ({ ...one, approver: { ...one.approver, accounts } }));
  expect(verdict(both)).toBe("waiting");
  expect(verdict([...both, vote("bob")])).toBe("approved");
  // The agent's owner is named by an account that the person does not vote with.
  expect(verdict([...both, vote("bob")], 0, [{ issuer: "idp", subject: "ann@example.com" }])).toBe("waiting");
});

test("ap-self: who acts for the requester, or its owner, is excluded as they are", () => {
  const delegate = vote("bob");
  const acting = { ...delegate, approver: { ...delegate.approver, actingFor: [{ subject: "owner", groups: ["dba"] }] } };
  expect(verdict([vote("ann"), acting])).toBe("approved");
  expect(verdict([vote("ann"), acting], 0, [{ issuer: "idp", subject: "owner" }])).toBe("waiting");
});

test("who acts for somebody has their right, and is still one person", () => {
  const stand = vote("zoe", []);
  const acting = { ...stand, approver: { ...stand.approver, actingFor: [{ subject: "ann", groups: ["dba"] }] } };
  expect(verdict([vote("bob"), stand])).toBe("waiting");
  expect(verdict([vote("bob"), acting])).toBe("approved");
  expect(verdict([acting, acting])).toBe("waiting");
});

test("ap-self: nobody becomes two people by delegating: a right counts once, whoever holds it", () => {
  const ann = { subject: "ann", groups: ["dba"] };
  const acting = (subject: string, groups: string[] = []): Vote => {
    const one = vote(subject, groups);
    return { ...one, approver: { ...one.approver, actingFor: [ann] } };
  };
  expect(verdict([vote("ann"), acting("zoe")])).toBe("waiting");
  expect(verdict([acting("zoe"), vote("ann")])).toBe("waiting");
  expect(verdict([acting("zoe"), acting("yan")])).toBe("waiting");
  // Whoever is asked themselves votes by their own right.
  expect(verdict([vote("ann"), acting("bob", ["dba"])])).toBe("approved");
  const inOrder = quorum(approval, [vote("lead", []), vote("ann"), acting("lead", [])], { excluded: [], openedMs: 0 });
  expect(inOrder.requirements[0]?.stages[0]?.approved).toBe(1);
});

test("ap-revoke: the right of somebody who is locked counts in nobody's hands", () => {
  const zoe = vote("zoe", []);
  const acting = { ...zoe, approver: { ...zoe.approver, actingFor: [{ subject: "ann", groups: ["dba"] }] } };
  const isLocked = ({ subject }: { subject: string }) => subject === "ann";
  expect(quorum(single, [vote("bob"), acting], { excluded: [], openedMs: 0, isLocked }).verdict).toBe("waiting");
  expect(quorum(single, [vote("bob"), vote("ann")], { excluded: [], openedMs: 0, isLocked }).verdict).toBe("waiting");
});
