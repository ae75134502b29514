import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type Action, actionDigest, type Plan } from "./action.ts";
import type { Allow, Deny, Review } from "./decision.ts";
import { lineAction, planAction, survivingLines } from "./plan.ts";
import { decidePlan } from "./plan-decision.ts";
import { signVote, type Vote, verifyVote } from "./vote.ts";

const query = (statement: string) => ({ kind: "postgres.query", statement, parameters: [{ text: "7" }] }) as const;
const plan: Plan = {
  kind: "plan",
  lines: [
    { resource: "orders-db", operation: query("update a set b = $1") },
    { resource: "billing-db", operation: query("delete from c where d = $1") },
  ],
};
const terms = [
  { target: { type: "postgres", address: "127.0.0.1:5432" }, role: "writer", limits: { rows: 10 } },
  { target: { type: "postgres", address: "127.0.0.1:5433" }, role: "admin", limits: {} },
] as const;
const principal = { issuer: "unix", subject: "agent", groups: ["agents"] };
const action = planAction(plan, terms, principal);

/** Changes every text and number in a value, one at a time. */
function* changes(value: unknown): Generator<unknown> {
  if (typeof value === "string") yield `${value}x`;
  else if (typeof value === "number") yield value + 1;
  else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) for (const changed of changes(one)) yield value.with(index, changed);
    if (value.length > 1) yield value.toReversed();
    yield value.slice(1);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, one] of Object.entries(value)) for (const changed of changes(one)) yield { ...value, [key]: changed };
  }
}

test("the digest of a plan binds every field of every line, and their order", () => {
  const digests = new Set([actionDigest(action)]);
  const all = [...changes({ ...action, operation: plan.lines })].map(
    (changed) => changed as Action & { operation: Plan["lines"] },
  );
  for (const { operation: lines, ...rest } of all) digests.add(actionDigest({ ...rest, operation: { kind: "plan", lines } }));
  expect(all.length).toBeGreaterThan(20);
  expect(digests.size).toBe(all.length + 1);
});

test("a line is the action that it would be by itself", () => {
  const alone: Action = { ...{ operation: query("delete from c where d = $1"), resource: "billing-db" }, ...terms[1], principal };
  const { operation, resource, target, role } = alone;
  const line = lineAction(action, 1);
  expect(line && actionDigest(line)).toBe(actionDigest({ operation, resource, target, role, principal }));
  expect(lineAction(action, 2)).toBeUndefined();
  expect(lineAction({ ...action, operation: query("select 1") }, 0)).toBeUndefined();
});

const decided = { policyDigest: "sha256:p", limits: { rows: 1 } } as const;
const allow: Allow = { ...decided, effect: "allow", rules: ["reads"], role: "reader" };
const review = (rule: string, expiresMs: number, more: Partial<Review["approval"]> = {}): Review => ({
  ...{ ...decided, effect: "review", rules: [rule], role: "writer" },
  approval: {
    requirements: [{ rule, stages: [{ approvers: [`group:${rule}`], count: 1 }] }],
    ...{ expiresMs, validForMs: expiresMs / 10, justification: "optional", grants: { maxUses: 1, maxTtlMs: 1 }, ...more },
  },
});

test("a plan waits for all that its lines wait for, each rule once, by the strictest times, and never becomes a grant", () => {
  const lines = [
    review("writes", 1000),
    allow,
    review("ddl", 500, { justification: "required", signature: "passkey" }),
    review("writes", 1000),
  ];
  expect(decidePlan(lines)).toMatchObject({
    ...{ effect: "review", rules: ["ddl", "reads", "writes"], role: "reader, writer", limits: {} },
    approval: { expiresMs: 500, validForMs: 50, justification: "required", signature: "passkey" },
    lines: [{ role: "writer" }, { role: "reader", limits: { rows: 1 } }, {}, {}],
  });
  const decision = decidePlan(lines) as Review;
  expect(decision.approval.requirements.map(({ rule }) => rule)).toEqual(["writes", "ddl"]);
  expect(decision.approval.grants).toBeUndefined();
  expect(decidePlan([allow, allow])).toMatchObject({ effect: "allow", rules: ["reads"], lines: [{}, {}] });
});

test("one line that is refused refuses the plan; each refused line is named", () => {
  const deny: Deny = { effect: "deny", rules: ["never"], policyDigest: "sha256:p", message: "Denied by the rule never: No." };
  expect(decidePlan([allow, deny, review("writes", 1), deny])).toEqual({
    ...{ effect: "deny", rules: ["never"], policyDigest: "sha256:p" },
    message: "Line 2: Denied by the rule never: No. Line 4: Denied by the rule never: No.",
  });
  expect(() => decidePlan([])).toThrow(TypeError);
});

test("what a vote strikes out is signed; what anybody who approved struck does not run", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const cast = (verdict: Vote["verdict"], struck?: readonly number[]) =>
    signVote(
      {
        ...{ requestId: "req_1", requestDigest: "sha256:d", comment: "", timeMs: 1, verdict },
        approver: { issuer: "i", subject: "ann", groups: [] },
        ...(struck && { struck }),
      },
      privateKey,
    );
  const vote = cast("approve", [1]);
  expect(verifyVote(vote, publicKey)).toBe(true);
  expect(verifyVote({ ...vote, struck: [2] }, publicKey)).toBe(false);
  const { struck: _, ...without } = vote;
  expect(verifyVote(without, publicKey)).toBe(false);
  expect(verifyVote({ ...cast("approve"), struck: [] }, publicKey)).toBe(false);
  expect(survivingLines(4, [vote, cast("approve", [1, 3]), cast("deny", [0])])).toEqual([0, 2]);
});
