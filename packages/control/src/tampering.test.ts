import { join } from "node:path";
import { signVote, type Vote } from "@countersign/policy";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { oneOf } from "../fixtures/drafts.ts";
import { alice, bob, openPlane, temporaryFolder } from "../fixtures/plane.ts";
import { openKeys } from "./keys.ts";

type Plane = Awaited<ReturnType<typeof openPlane>>;

/** Closes the control plane, edits its database as someone who has only the file would, and opens it again. */
async function edited(plane: Plane, ...edits: [sql: string, ...parameters: unknown[]][]): Promise<Plane> {
  await plane.close();
  const db = new Database(join(plane.folder, "control.db"));
  for (const [sql, ...parameters] of edits) expect(db.prepare(sql).run(...parameters).changes).toBeGreaterThan(0);
  db.close();
  return openPlane(plane.folder, plane.clock, plane.log);
}

const insertVote = "insert into votes values (@id, @person, 2, @ballot, @signature)";
const row = ({ signature, ...ballot }: Vote) => ({
  id: ballot.requestId,
  person: ballot.approver.subject,
  ballot: JSON.stringify(ballot),
  signature: signature.value,
});
const refused = { code: "internal", message: expect.stringContaining("changed from outside") };
const markApproved = "update requests set state = 'approved', valid_until_ms = 9e15, wake_ms = 9e15";

test("a state set to approved does not approve, and the attempt is recorded", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  const again = await edited(plane, [markApproved]);
  await expect(again.claim(request)).rejects.toMatchObject({ code: "expired" });
  const second = await openPlane();
  const waiting = await second.open({
    approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] },
  });
  await second.vote(waiting, alice);
  const more = await edited(second, [markApproved]);
  await expect(more.claim(waiting)).rejects.toMatchObject(refused);
  expect(more.log.records.at(-1)).toMatchObject({ type: "refusal", detail: { what: "claim", reason: "votes_do_not_verify" } });
  expect(await more.state(waiting)).toBe("approved");
});

test("a forged vote does not count", async () => {
  const plane = await openPlane();
  const request = await plane.open({
    approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] },
  });
  await plane.vote(request, alice);
  const { requestId } = request.binding;
  const ballot = {
    requestId,
    requestDigest: request.requestDigest,
    approver: bob,
    verdict: "approve",
    comment: "",
    timeMs: plane.now(),
  } as const;
  const forged = signVote(ballot, openKeys(temporaryFolder()).vote.privateKey);
  const again = await edited(plane, [insertVote, row(forged)], [markApproved]);
  await expect(again.claim(request)).rejects.toMatchObject(refused);
});

test("a vote for one request does not count for another", async () => {
  const plane = await openPlane();
  const harmless = await plane.open({ statement: "delete from drafts" });
  const harmful = await plane.open({ statement: "delete from orders" });
  await plane.vote(harmless);
  const again = await edited(plane, ["update votes set request_id = ?", harmful.binding.requestId], [markApproved]);
  for (const request of [harmless, harmful])
    await expect(again.claim(request)).rejects.toMatchObject({ code: expect.stringMatching(/expired|internal/) });
});

test.each([
  ["verdict", `update votes set ballot = json_set(ballot, '$.verdict', 'approve')`],
  ["time", `update votes set ballot = json_set(ballot, '$.timeMs', json_extract(ballot, '$.timeMs') + 1)`],
  ["person", `update votes set person = 'bob', ballot = json_set(ballot, '$.approver.subject', 'bob')`],
  ["groups", `update votes set ballot = json_set(ballot, '$.approver.groups', json('["dba","leads"]'))`],
  ["names", `update votes set ballot = json_set(ballot, '$.approver.accounts', json('["bob"]'))`],
  [
    "right to act",
    `update votes set ballot = json_set(ballot, '$.approver.actingFor', json('[{"subject":"bob","groups":["dba"]}]'))`,
  ],
  ["comment", `update votes set ballot = json_set(ballot, '$.comment', 'yes')`],
  ["digest", `update votes set ballot = json_set(ballot, '$.requestDigest', 'sha256:00')`],
  ["signature", "update votes set signature = upper(signature)"],
])("a vote whose %s was changed does not count", async (what, sql) => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request, alice, what === "verdict" ? "deny" : "approve", "no");
  const again = await edited(plane, [sql], [markApproved]);
  await expect(again.claim(request)).rejects.toMatchObject(refused);
});

test.each(["none", '{"approver":{}}', "{}", "[]", "null"])("a vote that was changed to %s does not count", async (text) => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request, alice);
  const again = await edited(plane, ["update votes set ballot = ?", text], [markApproved]);
  // Without the time of a vote nothing says that the approval still holds.
  await expect(again.claim(request)).rejects.toMatchObject({ code: "expired" });
});

test("a pending request with a changed vote goes on waiting", async () => {
  const plane = await openPlane();
  const request = await plane.open({
    approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] },
  });
  await plane.vote(request, alice);
  const again = await edited(plane, [
    `update votes set person = 'carol', ballot = json_set(ballot, '$.approver.subject', 'carol')`,
  ]);
  expect(await again.vote(request, bob)).toMatchObject({ state: "pending" });
});

test("what is asked and who may approve cannot be changed or swapped", async () => {
  const plane = await openPlane();
  const request = await plane.open({ approval: { requirements: oneOf("user:carol") } });
  const easy = await plane.open({ approval: { requirements: oneOf("group:dba") } });
  const swap = (column: string): [string, ...unknown[]] => [
    `update requests set ${column} = (select ${column} from requests where id = ?) where id = ?`,
    easy.binding.requestId,
    request.binding.requestId,
  ];
  let at = plane;
  for (const column of ["head", "body"]) {
    at = await edited(at, swap(column));
    await expect(at.vote(request, alice)).rejects.toMatchObject(refused);
    await expect(at.claim(request)).rejects.toMatchObject(refused);
  }
});

test("an approval cannot be stretched by changing times", async () => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request);
  const again = await edited(plane, ["update requests set valid_until_ms = 9e15, wake_ms = 9e15"]);
  again.clock.step(300_000);
  await expect(again.claim(request)).rejects.toMatchObject({ code: "expired" });
});
