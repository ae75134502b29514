import { expect, test } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { openPlane } from "../fixtures/plane.ts";
import type { Directory } from "./directory.ts";
import { Approvers } from "./identity.ts";

const team = [
  { name: "alice", groups: ["dba"], accounts: ["alice@example.com", "root"] },
  { name: "bob", groups: ["dba"] },
  { name: "carol", groups: ["leads"] },
];

/** People whose configuration a test changes. */
function changing() {
  let now = new Approvers(team);
  const directory: Directory = { person: (name) => now.person(name), members: (group) => now.members(group) };
  const configure = (people: ConstructorParameters<typeof Approvers>[0]) => {
    now = new Approvers(people);
  };
  const signedIn = (name: string) => {
    const approver = now.get(name);
    if (approver === undefined) throw new Error(`nobody is ${name}`);
    return approver;
  };
  return { directory, configure, signedIn };
}

async function opened() {
  const people = changing();
  const plane = await openPlane(undefined, undefined, undefined, { directory: people.directory });
  return { ...plane, ...people };
}

test("whichever account signs in, it is the person", () => {
  const approvers = new Approvers(team);
  const person = { subject: "alice", groups: ["dba"], accounts: ["alice", "alice@example.com", "root"] };
  for (const name of ["alice", "alice@example.com", "root"]) expect(approvers.get(name)).toMatchObject(person);
  expect(approvers.get("bob")).not.toHaveProperty("accounts");
  expect(approvers.get("mallory")).toBeUndefined();
  expect(approvers.members("dba").map(({ subject }) => subject)).toEqual(["alice", "bob"]);
});

test("ap-self: a name that belongs to two people is refused", () => {
  const two = [{ name: "alice", groups: [], accounts: ["bob"] }, ...team.slice(1)];
  expect(() => new Approvers(two)).toThrow(RangeError);
  expect(() => new Approvers([...team, { name: "eve", groups: [], accounts: ["root"] }])).toThrow("root");
});

test("ap-self: two accounts of one person are one vote", async () => {
  const { open, vote, signedIn } = await opened();
  const request = await open({ approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] } });
  await vote(request, signedIn("alice"));
  await expect(vote(request, signedIn("root"))).rejects.toMatchObject({ code: "already_voted" });
  expect(await vote(request, signedIn("bob"))).toMatchObject({ state: "approved" });
});

test("ap-self: the owner of the requester cannot vote under any account", async () => {
  const { open, vote, signedIn } = await opened();
  for (const owner of ["alice", "alice@example.com", "root"]) {
    const request = await open({ owner });
    for (const account of ["alice", "root"]) {
      await expect(vote(request, signedIn(account))).rejects.toMatchObject({ code: "requester_cannot_vote" });
    }
  }
});

test("ap-self: a rule that names an account of somebody means that person", async () => {
  const { open, vote, signedIn } = await opened();
  const request = await open({ approval: { requirements: oneOf("user:root") } });
  expect(await vote(request, signedIn("alice"))).toMatchObject({ state: "approved" });
});

test("who was removed from a group, or altogether, votes no more, however they signed in before", async () => {
  const { open, vote, signedIn, configure, log } = await opened();
  const request = await open();
  const [alice, bob] = [signedIn("alice"), signedIn("bob")];
  configure([{ name: "alice", groups: ["leads"] }]);
  await expect(vote(request, alice)).rejects.toMatchObject({ code: "not_an_approver" });
  await expect(vote(request, bob)).rejects.toMatchObject({ code: "not_an_approver" });
  configure([{ name: "alice", groups: ["dba"] }]);
  expect(await vote(request, alice)).toMatchObject({ state: "approved", votes: [{ approver: { groups: ["dba"] } }] });
  expect(log.summary().filter((one) => one === "vote refused: not_an_approver")).toHaveLength(2);
});
