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

const insertVote = "insert into votes values (@id, 2, @issuer, @subject, @groups, @digest, @verdict, '', @timeMs, @signature)";
const row = ({ requestId, requestDigest, approver, verdict, timeMs, signature }: Vote) => ({
  id: requestId,
  issuer: approver.issuer,
  subject: approver.subject,
  groups: JSON.stringify(approver.groups),
  digest: requestDigest,
  verdict,
  timeMs,
  signature: signature.value,
});
const refused = { code: "internal", message: expect.stringContaining("changed from outside") };
const markApproved = "update requests set state = 'approved', valid_until_ms = 9e15, deadline_ms = 9e15";

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
  ["verdict", "update votes set verdict = 'approve'"],
  ["time", "update votes set time_ms = time_ms + 1"],
  ["person", "update votes set approver_subject = 'bob'"],
  ["groups", `update votes set approver_groups = '["dba","leads"]'`],
  ["comment", "update votes set comment = 'yes'"],
  ["digest", "update votes set request_digest = 'sha256:00'"],
  ["signature", "update votes set signature = upper(signature)"],
])("a vote whose %s was changed does not count", async (what, sql) => {
  const plane = await openPlane();
  const request = await plane.open();
  await plane.vote(request, alice, what === "verdict" ? "deny" : "approve", "no");
  const again = await edited(plane, [sql], [markApproved]);
  await expect(again.claim(request)).rejects.toMatchObject(refused);
});

test("a pending request with a changed vote goes on waiting", async () => {
  const plane = await openPlane();
  const request = await plane.open({
    approval: { requirements: [{ rule: "r", stages: [{ approvers: ["group:dba"], count: 2 }] }] },
  });
  await plane.vote(request, alice);
  const again = await edited(plane, ["update votes set approver_subject = 'carol'"]);
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
  const again = await edited(plane, ["update requests set valid_until_ms = 9e15, deadline_ms = 9e15"]);
  again.clock.step(300_000);
  await expect(again.claim(request)).rejects.toMatchObject({ code: "expired" });
});
