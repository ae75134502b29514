import { generateKeyPairSync } from "node:crypto";
import {
  type Action,
  actionDigest,
  CountersignError,
  type Decision,
  type PostgresQuery,
  type RequestSnapshot,
  type Review,
  requestDigest,
  signVote,
  type Vote,
} from "@countersign/policy";
import { expect, test } from "vitest";
import { permitOf } from "./permit.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");

const query: PostgresQuery = {
  kind: "postgres.query",
  statement: "delete from orders where id = $1",
  parameters: [{ text: "7" }],
};

const action: Action = {
  operation: query,
  resource: "orders-db",
  target: { type: "postgres", address: "127.0.0.1:5432", database: "orders", user: "orders_writer", tls: "disable" },
  principal: { issuer: "unix", subject: "agent", groups: ["agents"] },
  role: "writer",
};

const decision: Review = {
  effect: "review",
  rules: ["writes"],
  policyDigest: "sha256:policy",
  role: "writer",
  limits: { rows: 10 },
  approval: {
    requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] }],
    expiresMs: 60_000,
    validForMs: 60_000,
    justification: "optional",
  },
};

function approved(): RequestSnapshot {
  const binding = {
    ...{ requestId: "req_1", actionDigest: actionDigest(action), policyDigest: decision.policyDigest, limits: decision.limits },
    ...{ expiry: { pendingUntilMs: 1000, validForMs: 60_000 }, nonce: "n" },
  };
  const digest = requestDigest(binding);
  return {
    ...{
      binding,
      requestDigest: digest,
      action,
      decision,
      facts: {},
      claims: {},
      reason: "",
      session: "",
      durable: false,
      sidecar: "local",
    },
    ...{ state: "executing" as const, createdMs: 0, changedMs: 0, changedBy: "bob", sequence: 4 },
    votes: [vote("ann", digest), vote("bob", digest)],
  };
}

function vote(
  subject: string,
  digest: RequestSnapshot["requestDigest"],
  key = privateKey,
  verdict: Vote["verdict"] = "approve",
): Vote {
  const approver = { issuer: "test", subject, groups: ["dba"] };
  return signVote({ requestId: "req_1", requestDigest: digest, approver, verdict, comment: "", timeMs: 1 }, key);
}

function outcome(
  request: RequestSnapshot,
  { locked, ...now }: Partial<{ action: Action; decision: Decision; locked: string }> = {},
): string {
  try {
    permitOf(
      request,
      { action, decision, readOnly: false, ...now },
      { voteKey: publicKey, revocations: { isLocked: ({ subject }) => subject === locked } },
    );
    return "permitted";
  } catch (error) {
    return error instanceof CountersignError ? error.code : String(error);
  }
}

test("ap-revoke: the vote of somebody who was locked since does not count", () => {
  expect(outcome(approved(), { locked: "zoe" })).toBe("permitted");
  expect(outcome(approved(), { locked: "ann" })).toBe("digest_mismatch");
});

test("what was approved is permitted", () => {
  expect(outcome(approved())).toBe("permitted");
});

test.each<[string, Action]>([
  ["statement", { ...action, operation: { ...query, statement: "delete from orders" } }],
  ["one more space in the statement", { ...action, operation: { ...query, statement: "delete from orders  where id = $1" } }],
  ["parameter", { ...action, operation: { ...query, parameters: [{ text: "8" }] } }],
  ["kind of the parameter", { ...action, operation: { ...query, parameters: [{ binary: "Nw" }] } }],
  ["number of parameters", { ...action, operation: { ...query, parameters: [{ text: "7" }, null] } }],
  ["resource", { ...action, resource: "billing-db" }],
  ["target's address", { ...action, target: { ...action.target, address: "127.0.0.1:5433" } }],
  ["target's login", { ...action, target: { ...action.target, user: "postgres" } }],
  ["target's trust", { ...action, target: { ...action.target, tls: "verify-full" } }],
  ["principal", { ...action, principal: { ...action.principal, subject: "other" } }],
  ["issuer", { ...action, principal: { ...action.principal, issuer: "https://other" } }],
  ["groups", { ...action, principal: { ...action.principal, groups: ["agents", "admins"] } }],
  ["role", { ...action, role: "owner" }],
])("ap-bind: a vote on one action does not run another: changed %s", (_, changed) => {
  expect(outcome(approved(), { action: changed })).toBe("digest_mismatch");
});

test.each<[string, (request: RequestSnapshot) => RequestSnapshot]>([
  ["the request's id", (one) => ({ ...one, binding: { ...one.binding, requestId: "req_2" } })],
  ["the limits", (one) => ({ ...one, binding: { ...one.binding, limits: { rows: 1_000_000 } } })],
  ["the expiry", (one) => ({ ...one, binding: { ...one.binding, expiry: { ...one.binding.expiry, pendingUntilMs: 10 ** 12 } } })],
  ["the nonce", (one) => ({ ...one, binding: { ...one.binding, nonce: "m" } })],
  ["the policy's digest", (one) => ({ ...one, binding: { ...one.binding, policyDigest: "sha256:other" } })],
  ["the request digest itself", (one) => ({ ...one, requestDigest: "sha256:other" })],
  [
    "a vote's approver",
    (one) => ({
      ...one,
      votes: one.votes.map((v, i) => (i === 0 ? { ...v, approver: { ...v.approver, subject: "carol" } } : v)),
    }),
  ],
  [
    "a vote's verdict",
    (one) => ({
      ...one,
      votes: [vote("ann", one.requestDigest), { ...vote("bob", one.requestDigest, privateKey, "deny"), verdict: "approve" }],
    }),
  ],
  [
    "a vote signed with another key",
    (one) => ({
      ...one,
      votes: [vote("ann", one.requestDigest), vote("bob", one.requestDigest, generateKeyPairSync("ed25519").privateKey)],
    }),
  ],
  ["a vote over another request", (one) => ({ ...one, votes: [vote("ann", one.requestDigest), vote("bob", "sha256:other")] })],
  ["one person's vote twice", (one) => ({ ...one, votes: [vote("ann", one.requestDigest), vote("ann", one.requestDigest)] })],
  ["a missing vote", (one) => ({ ...one, votes: one.votes.slice(1) })],
  ["no votes at all", (one) => ({ ...one, votes: [] })],
  ["a vote of the requester", (one) => ({ ...one, votes: [vote("ann", one.requestDigest), vote("agent", one.requestDigest)] })],
  ["a vote of the requester's owner", (one) => ({ ...one, owner: "bob" })],
])("a changed row in the store does not approve: %s", (_, change) => {
  expect(outcome(change(approved()))).toBe("digest_mismatch");
});

test("a stored row that asks for less is not believed: the current policy says what is needed", () => {
  const approval = { ...decision.approval, requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 1 }] }] };
  expect(outcome({ ...approved(), decision: { ...decision, approval } })).toBe("revoked");
  expect(outcome({ ...approved(), decision: { ...decision, effect: "allow" } as Decision & { effect: "allow" } })).toBe(
    "revoked",
  );
});

test("ap-revoke: what the policy now decides differently is not run", () => {
  expect(outcome(approved(), { decision: { effect: "deny", rules: ["never"], policyDigest: "sha256:new", message: "no" } })).toBe(
    "revoked",
  );
  expect(outcome(approved(), { decision: { ...decision, limits: { rows: 1 } } })).toBe("revoked");
  expect(outcome(approved(), { decision: { ...decision, rules: ["writes", "more"] } })).toBe("revoked");
  expect(outcome(approved(), { decision: { ...decision, policyDigest: "sha256:new" } })).toBe("permitted");
});

test("a request that a grant approved is permitted only while the grant covers it, whatever votes it has", () => {
  const granted = { ...approved(), votes: [], grant: { grantId: "grant_1", use: 1 } };
  const permit = (covered: boolean | undefined) => {
    const finding = { action, decision, readOnly: false, ...(covered === undefined ? {} : { covered }) };
    return permitOf(granted, finding, { voteKey: publicKey, revocations: { isLocked: () => false } });
  };
  expect(permit(true).source).toMatchObject({ effect: "grant", use: { grantId: "grant_1", use: 1 } });
  expect(() => permit(false)).toThrow(expect.objectContaining({ code: "revoked" }));
  expect(() => permit(undefined)).toThrow(expect.objectContaining({ code: "revoked" }));
  expect(outcome({ ...granted, action }, { action: { ...action, role: "owner" } })).toBe("digest_mismatch");
});
