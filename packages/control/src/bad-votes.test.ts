import type { Approver } from "@countersign/policy";
import { expect, test } from "vitest";
import { openPlane } from "../fixtures/plane.ts";
import type { Directory } from "./directory.ts";
import { Approvers } from "./identity.ts";

const team = [
  { name: "alice", groups: ["dba"] },
  { name: "bob", groups: ["dba"] },
  { name: "carol", groups: ["leads"] },
];
const approval = {
  requirements: [
    {
      rule: "writes",
      stages: [
        { approvers: ["group:dba"], count: 1 },
        { approvers: ["group:leads"], count: 1 },
      ],
    },
  ],
};

async function opened() {
  let people = new Approvers(team);
  const directory: Directory = { person: (name) => people.person(name), members: (group) => people.members(group) };
  const plane = await openPlane(undefined, undefined, undefined, { directory });
  const as = (name: string): Approver => new Approvers(team).get(name) ?? { issuer: "", subject: name, groups: [] };
  const leaveOnly = (...names: string[]) => {
    people = new Approvers(team.filter(({ name }) => names.includes(name)));
  };
  return { ...plane, as, leaveOnly };
}
type Opened = Awaited<ReturnType<typeof opened>>;
type Request = Awaited<ReturnType<Opened["open"]>>;

/** What each bad vote is refused with, and what is done before it. */
const bad: Readonly<Record<string, readonly [code: string, attempt: (of: Opened, request: Request) => Promise<unknown>]>> = {
  "for another digest": [
    "digest_mismatch",
    ({ approvals, as }, { binding }) =>
      approvals.vote(
        binding.requestId,
        { requestDigest: `sha256:${"f".repeat(64)}`, verdict: "approve", comment: "" },
        as("alice"),
      ),
  ],
  "of the same person again": [
    "already_voted",
    async ({ vote, as }, request) => {
      await vote(request, as("alice"));
      await vote(request, as("alice"), "deny");
    },
  ],
  "after it expired": [
    "expired",
    ({ vote, as, clock }, request) => {
      clock.step(3_600_000);
      return vote(request, as("alice"));
    },
  ],
  "on a stage that is not reached": ["stage_not_reached", ({ vote, as }, request) => vote(request, as("carol"))],
  "of a removed member of the group": [
    "not_an_approver",
    ({ vote, as, leaveOnly }, request) => {
      const alice = as("alice");
      leaveOnly("bob", "carol");
      return vote(request, alice);
    },
  ],
  "of a locked approver": [
    "approver_locked",
    async ({ vote, as, revoking }, request) => {
      await revoking.lock({ type: "approver", subject: "alice" }, as("bob"), "left");
      await vote(request, as("alice"));
    },
  ],
  "of the requester": ["requester_cannot_vote", ({ vote, as }, request) => vote(request, as("agent"))],
};

test.each(Object.keys(bad))("ap-bind: a vote %s is refused with its own code, is recorded, and changes nothing", async (name) => {
  const plane = await opened();
  const request = await plane.open({ approval, subject: name === "of the requester" ? "bob" : "agent" });
  const [code, attempt] = bad[name] ?? ["", async () => {}];
  const asked = name === "of the requester" ? { ...plane, as: () => plane.as("bob") } : plane;
  await expect(attempt(asked, request)).rejects.toMatchObject({ code });
  expect(plane.log.summary()).toContain(`vote refused: ${code}`);
  const { request: after } = await plane.approvals.get(request.binding.requestId);
  expect(after.state).toBe(code === "expired" ? "expired" : "pending");
  expect(after.votes.length).toBe(code === "already_voted" ? 1 : 0);
});
