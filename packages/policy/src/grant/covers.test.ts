import { generateKeyPairSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { type Action, actionDigest, type PostgresQuery } from "../action.ts";
import type { Approval, Review } from "../decision.ts";
import { loadParser } from "../facts/postgres/parser.ts";
import { classify } from "../facts.ts";
import { requestDigest } from "../request.ts";
import { type Approver, type Ballot, signVote, type Vote, verifyVote } from "../vote.ts";
import { coversAction, type GrantedAction } from "./covers.ts";
import type { Grant } from "./grant.ts";
import { type GrantStatement, grantDigest, grantStatement } from "./statement.ts";
import { checkedTerms, type GrantTerms } from "./terms.ts";

beforeAll(loadParser);

const { publicKey, privateKey } = generateKeyPairSync("ed25519");

const query = (value: string): PostgresQuery => ({
  kind: "postgres.query",
  statement: "delete from orders where id = $1",
  parameters: [{ text: value }],
});

const action: Action = {
  operation: query("7"),
  resource: "orders-db",
  target: { type: "postgres", address: "127.0.0.1:5432", user: "writer" },
  principal: { issuer: "unix", subject: "agent", groups: ["agents"] },
  role: "writer",
};

const approval: Approval = {
  requirements: [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] }],
  ...{ expiresMs: 1000, validForMs: 1000, justification: "optional" },
  grants: { maxUses: 5, maxTtlMs: 60_000 },
};

const decision: Review = {
  ...{ effect: "review", rules: ["writes"], policyDigest: "sha256:p", role: "writer", limits: { rows: 1 } },
  approval,
};

const terms: GrantTerms = { uses: 5, ttlMs: 60_000, bounds: [{ value: "$1", bound: { type: "range", min: "1", max: "9" } }] };

const person = (subject: string): Approver => ({ issuer: "oidc", subject, groups: ["dba"] });

function statementFor(owner?: string): GrantStatement {
  const binding = {
    ...{ requestId: "req_1", actionDigest: actionDigest(action), policyDigest: decision.policyDigest, limits: decision.limits },
    ...{ expiry: { pendingUntilMs: 1000, validForMs: 1000 }, nonce: "n" },
  };
  const facts = classify(action.operation, { searchPath: ["public"] });
  const request = { binding, requestDigest: requestDigest(binding), action, decision, facts };
  return grantStatement({ ...request, ...(owner === undefined ? {} : { owner }) }, checkedTerms(terms, approval.grants));
}

function vote(statement: GrantStatement, subject: string, timeMs: number, more: Partial<Ballot> = {}, key = privateKey): Vote {
  const { requestId, requestDigest: digest } = statement;
  const grant = { digest: grantDigest(statement), terms };
  const ballot: Ballot = {
    requestId,
    requestDigest: digest,
    approver: person(subject),
    verdict: "approve",
    comment: "",
    timeMs,
    grant,
  };
  return signVote({ ...ballot, ...more }, key);
}

function made(statement = statementFor()): Grant {
  return { id: "grant_1", statement, votes: [vote(statement, "ann", 100), vote(statement, "bob", 200)] };
}

function covers(grant: Grant, now: Partial<GrantedAction> = {}, locked = ""): boolean {
  const at = { action, decision, nowMs: 200, ...now };
  const facts = classify(at.action.operation, { searchPath: ["public"] });
  const trust = { verify: (one: Vote) => verifyVote(one, publicKey), isLocked: ({ subject }: Approver) => subject === locked };
  return coversAction(grant, { facts, ...at }, trust);
}

test("what was signed is covered, from the vote that completed it until its time is up", () => {
  expect(covers(made())).toBe(true);
  expect(covers(made(), { action: { ...action, operation: query("9") } })).toBe(true);
  expect(covers(made(), { nowMs: 199 })).toBe(false);
  expect(covers(made(), { nowMs: 200 + 59_999 })).toBe(true);
  expect(covers(made(), { nowMs: 200 + 60_000 })).toBe(false);
});

describe("ap-bind: another action is not covered", () => {
  test.each<[string, Action]>([
    ["a value out of its bound", { ...action, operation: query("10") }],
    ["resource", { ...action, resource: "billing-db" }],
    ["target", { ...action, target: { ...action.target, address: "127.0.0.1:5433" } }],
    ["login", { ...action, target: { ...action.target, user: "postgres" } }],
    ["caller", { ...action, principal: { ...action.principal, subject: "other" } }],
    ["issuer", { ...action, principal: { ...action.principal, issuer: "https://other" } }],
    ["groups", { ...action, principal: { ...action.principal, groups: ["agents", "admins"] } }],
    ["role", { ...action, role: "owner" }],
  ])("%s", (_, other) => {
    expect(covers(made(), { action: other })).toBe(false);
  });
});

describe("ap-revoke: the policy in force is what counts", () => {
  const asking = (more: Partial<Approval>): Review => ({ ...decision, approval: { ...approval, ...more } });
  const { grants: _, ...none } = approval;
  const stage = (approvers: readonly string[], count: number) => [{ rule: "writes", stages: [{ approvers, count }] }];
  test.each<[string, GrantedAction["decision"]]>([
    ["denies", { effect: "deny", rules: ["never"], policyDigest: "sha256:q", message: "no" }],
    ["allows", { effect: "allow", rules: ["writes"], policyDigest: "sha256:q", role: "writer", limits: { rows: 1 } }],
    ["permits no grants", { ...decision, approval: none }],
    ["permits fewer uses", asking({ grants: { maxUses: 4, maxTtlMs: 60_000 } })],
    ["permits less time", asking({ grants: { maxUses: 5, maxTtlMs: 59_999 } })],
    ["asks for more people", asking({ requirements: stage(["group:dba"], 3) })],
    ["asks for others", asking({ requirements: stage(["group:leads"], 1) })],
    ["asks somebody else as well", asking({ requirements: [...approval.requirements, ...stage(["user:zoe"], 1)] })],
    ["asks nobody", asking({ requirements: [] })],
    ["asks for passkeys", asking({ signature: "passkey" })],
    ["holds it by another rule", { ...decision, rules: ["others"] }],
    ["holds it by one more rule", { ...decision, rules: ["more", "writes"] }],
    ["gives another role", { ...decision, role: "owner" }],
    ["limits it otherwise", { ...decision, limits: { rows: 2 } }],
  ])("when it %s, the grant is of no use", (_, now) => {
    expect(covers(made(), { decision: now })).toBe(false);
  });
  test("when it says the same, or asks for less, it is", () => {
    expect(covers(made(), { decision: { ...decision, policyDigest: "sha256:q" } })).toBe(true);
    expect(covers(made(), { decision: asking({ requirements: stage(["group:dba"], 1) }) })).toBe(true);
  });
});

describe("a changed row makes nothing", () => {
  const base = () => made();
  const template = (change: Partial<GrantStatement["template"]>) => (grant: Grant) => ({
    ...grant,
    statement: { ...grant.statement, template: { ...grant.statement.template, ...change } },
  });
  const statement = (change: Partial<GrantStatement>) => (grant: Grant) => ({
    ...grant,
    statement: { ...grant.statement, ...change },
  });
  const votes = (change: (all: readonly Vote[], of: GrantStatement) => readonly Vote[]) => (grant: Grant) => ({
    ...grant,
    votes: change(grant.votes, grant.statement),
  });
  const foreign = generateKeyPairSync("ed25519").privateKey;
  test.each<[string, (grant: Grant) => Grant]>([
    ["a wider bound", template({ values: [{ name: "$1", limit: { type: "any" } }] })],
    ["more uses", statement({ uses: 4 })],
    ["a shorter time", statement({ ttlMs: 59_999 })],
    ["a longer time", statement({ ttlMs: 60_001 })],
    ["another request", statement({ requestId: "req_2" })],
    ["another opening", statement({ openedMs: -1 })],
    ["an owner less", (grant) => statement({})({ ...grant, statement: { ...statementFor("zoe") } })],
    ["no votes", votes(() => [])],
    ["a vote less", votes((all) => all.slice(1))],
    ["one person's vote twice", votes(([first], of) => (first ? [first, vote(of, "ann", 150)] : []))],
    ["a vote signed with another key", votes(([first], of) => (first ? [first, vote(of, "bob", 200, {}, foreign)] : []))],
    ["a changed approver", votes((all) => all.map((one, at) => (at === 0 ? { ...one, approver: person("zoe") } : one)))],
    ["a changed time", votes((all) => all.map((one) => ({ ...one, timeMs: one.timeMs + 1 })))],
    ["a vote that says no", votes(([first], of) => (first ? [first, vote(of, "bob", 200, { verdict: "deny" })] : []))],
    [
      "a vote without a grant",
      votes(([first], of) => {
        const { requestId, requestDigest: digest } = of;
        const plain = {
          requestId,
          requestDigest: digest,
          approver: person("bob"),
          verdict: "approve" as const,
          comment: "",
          timeMs: 200,
        };
        return first ? [first, signVote(plain, privateKey)] : [];
      }),
    ],
    ["a vote for another grant", votes(([first], of) => (first ? [first, vote({ ...of, uses: 4 }, "bob", 200)] : []))],
    ["a vote in an emergency", votes(([first], of) => (first ? [first, vote(of, "bob", 200, { breakGlass: true })] : []))],
    ["the caller's own vote", votes(([first], of) => (first ? [first, vote(of, "agent", 200)] : []))],
  ])("%s", (_, change) => {
    expect(covers(base())).toBe(true);
    expect(covers(change(base()))).toBe(false);
  });

  test("the terms that stand beside a vote are of no weight: the digest is signed", () => {
    const grant = base();
    const wider = grant.votes.map((one) => ({
      ...one,
      ...(one.grant && { grant: { ...one.grant, terms: { ...terms, uses: 999 } } }),
    }));
    expect(covers({ ...grant, votes: wider }, { action: { ...action, operation: query("10") } })).toBe(false);
    expect(grantDigest(grant.statement)).toBe(wider[0]?.grant?.digest);
  });
});

test("ap-self: neither the owner at that time nor the owner now counts; a locked approver does not either", () => {
  const owned = statementFor("bob");
  expect(covers({ id: "g", statement: owned, votes: [vote(owned, "ann", 1), vote(owned, "bob", 2)] })).toBe(false);
  expect(covers(made(), { owner: "ann" })).toBe(false);
  expect(covers(made(), { owner: "zoe" })).toBe(true);
  expect(covers(made(), {}, "bob")).toBe(false);
});
