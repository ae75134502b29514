import { generateKeyPairSync } from "node:crypto";
import {
  actionDigest,
  type Decision,
  decidePlan,
  type Json,
  type LineTerms,
  lineAction,
  type Plan,
  planAction,
  type RequestSnapshot,
  type Review,
  requestDigest,
  signVote,
} from "@countersign/policy";
import { expect, test } from "vitest";
import { settledLines } from "./asked-plan.ts";
import { linePermit } from "./line-permit.ts";
import { recordedPlan } from "./recorded-plan.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const trust = { voteKey: publicKey, revocations: { isLocked: () => false } };

const statements = ["update a set b = 1", "delete from c", "update d set e = 2"];
const plan: Plan = {
  kind: "plan",
  lines: statements.map((statement) => ({
    ...{ resource: "orders-db", operation: { kind: "postgres.query", statement, parameters: [] } },
  })),
};
const terms: readonly LineTerms[] = plan.lines.map(() => ({
  ...{ target: { type: "postgres", address: "127.0.0.1:5432" }, role: "writer", limits: { rows: 10 } },
}));
const action = planAction(plan, terms, { issuer: "unix", subject: "agent", groups: [] });
const line: Review = {
  ...{ effect: "review", rules: ["writes"], policyDigest: "sha256:policy", role: "writer", limits: { rows: 10 } },
  approval: {
    requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 1 }] }],
    ...{ expiresMs: 60_000, validForMs: 60_000, justification: "optional" },
  },
};
const decision = decidePlan([line, line, line]) as Review;

function approved(struck?: readonly number[]): RequestSnapshot {
  const binding = {
    ...{ requestId: "req_1", actionDigest: actionDigest(action), policyDigest: decision.policyDigest, limits: {} },
    ...{ expiry: { pendingUntilMs: 60_000, validForMs: 60_000 }, nonce: "n" },
  };
  const digest = requestDigest(binding);
  const approver = { issuer: "test", subject: "ann", groups: ["dba"] };
  const ballot = { requestId: "req_1", requestDigest: digest, approver, verdict: "approve", comment: "", timeMs: 1 } as const;
  return {
    ...{ binding, requestDigest: digest, action, decision, facts: {}, claims: {}, reason: "", session: "", durable: true },
    ...{ sidecar: "local", state: "executing", createdMs: 0, changedMs: 0, changedBy: "ann", sequence: 3 },
    votes: [signVote({ ...ballot, ...(struck && { struck }) }, privateKey)],
  };
}

const records = (...entries: readonly (readonly [type: string, detail: { readonly [key: string]: Json }])[]) =>
  recordedPlan(entries.map(([type, detail]) => Buffer.from(JSON.stringify({ type, detail }))));
const intent = (index: number) => ["intent", { line: index }] as const;
const outcome = (index: number, state = "succeeded") => ["outcome", { line: index, state }] as const;
const began = ["state", { from: "approved", to: "executing" }] as const;

/** The permit of a line, by what is on record and what policy says now. */
function permit(
  request: RequestSnapshot,
  index: number,
  recorded = records(),
  now: Partial<{ action: typeof action; decision: Decision }> = {},
) {
  return linePermit(request, { action, decision, readOnly: false, line: index, recorded, ...now }, trust);
}

test("a permit is for that one line, with its own digest, role and limits", () => {
  const alone = lineAction(action, 1);
  expect(permit(approved(), 1, records(began, intent(0), outcome(0)))).toMatchObject({
    ...{ id: "req_1", actionDigest: alone && actionDigest(alone), rules: ["writes"], limits: { rows: 10 } },
    action: { resource: "orders-db", role: "writer", operation: { statement: "delete from c" } },
    source: { effect: "plan", line: 1, requestDigest: approved().requestDigest },
  });
});

test.each<[string, number, ReturnType<typeof records>, string]>([
  ["a line that the log says was begun, whatever the store says", 0, records(began, intent(0)), "not_pending"],
  ["a line that ran", 0, records(intent(0), outcome(0)), "not_pending"],
  ["a line before whose predecessors", 1, records(), "out_of_order"],
  ["a line after one that failed", 1, records(intent(0), outcome(0, "failed")), "out_of_order"],
  ["a line after one in doubt", 1, records(intent(0), outcome(0, "unknown")), "out_of_order"],
  ["a line after one that has no outcome", 1, records(intent(0)), "out_of_order"],
  ["a line before one that was begun", 0, records(intent(1), outcome(1)), "out_of_order"],
  ["a line of a plan that was revoked", 0, records(["revocation", {}]), "revoked"],
  ["a line of a plan that has ended", 1, records(intent(0), outcome(0), ["state", { to: "failed" }]), "revoked"],
  ["a line that there is not", 3, records(), "invalid_request"],
])("no permit for %s", (_, index, recorded, code) => {
  expect(() => permit(approved(), index, recorded)).toThrow(expect.objectContaining({ code }));
});

test("a struck line is passed over, and does not run even when its vote is gone from the store", () => {
  expect(() => permit(approved([0]), 0)).toThrow(expect.objectContaining({ code: "denied" }));
  expect(permit(approved([0]), 1).source).toMatchObject({ line: 1 });
  const struck = records(["vote", { accepted: true, verdict: "approve", struck: [0] }]);
  expect(() => permit(approved(), 0, struck)).toThrow(expect.objectContaining({ code: "denied" }));
  const refusedVote = records(["vote", { accepted: false, verdict: "approve", struck: [0] }]);
  expect(permit(approved(), 0, refusedVote).source).toMatchObject({ line: 0 });
});

test("strikes that were taken out of a stored vote void the vote", () => {
  const [vote] = approved([0]).votes;
  if (vote === undefined) throw new Error("there is a vote");
  const { struck: _, ...whole } = vote;
  expect(() => permit({ ...approved(), votes: [whole] }, 0)).toThrow(expect.objectContaining({ code: "digest_mismatch" }));
});

test.each<[string, Partial<{ action: typeof action; decision: Decision }>, string]>([
  [
    "another target of any line",
    { action: { ...action, lines: terms.with(2, { ...terms[2], target: { type: "postgres", address: "x" } } as LineTerms) } },
    "digest_mismatch",
  ],
  [
    "other limits of any line",
    { action: { ...action, lines: terms.with(2, { ...terms[2], limits: {} } as LineTerms) } },
    "digest_mismatch",
  ],
  [
    "another statement of any line",
    { action: { ...action, operation: { ...plan, lines: plan.lines.toReversed() } } },
    "digest_mismatch",
  ],
  ["another decision on a line that is left", { decision: decidePlan([line, line, { ...line, rules: ["others"] }]) }, "revoked"],
  [
    "a denial of a line that is left",
    { decision: decidePlan([line, line, { ...line, effect: "deny", message: "No." }]) },
    "revoked",
  ],
])("%s voids the plan", (_, now, code) => {
  expect(() => permit(approved(), 0, records(), now)).toThrow(expect.objectContaining({ code }));
});

test("what ran and what was struck out is not asked about again; what is left is, and the line itself", () => {
  const request: RequestSnapshot = { ...approved([1]), course: { begun: [{ line: 0, state: "succeeded" }] } };
  expect([...settledLines(request, 2).keys()]).toEqual([0, 1]);
  const running: RequestSnapshot = {
    ...request,
    course: {
      begun: [
        { line: 0, state: "succeeded" },
        { line: 2, state: "executing" },
      ],
    },
  };
  expect([...settledLines(running, 2).keys()]).toEqual([0, 1]);
});
