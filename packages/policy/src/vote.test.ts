import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type Ballot, signVote, type Vote, verifyVote } from "./vote.ts";

const ballot: Ballot = {
  requestId: "req_01HZY3V7Q0ABCDEFGHJKMNPQRS",
  requestDigest: "sha256:eb8a638a8d3b4708c392fbfedc91dbc305ab25476c3a4a4ebc0186afa5168dc9",
  approver: { issuer: "countersign-development", subject: "alice", groups: ["dba-oncall"] },
  verdict: "approve",
  comment: "fine",
  timeMs: 1_764_000_000_000,
};

/** The seed of RFC 8032 §7.1, test 1. */
const key = createPrivateKey({
  key: Buffer.from("302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"),
  format: "der",
  type: "pkcs8",
});
const publicKey = createPublicKey(key);
const vote = signVote(ballot, key);

test("a vote verifies with the key that signed it, and with no other", () => {
  expect(verifyVote(vote, publicKey)).toBe(true);
  expect(verifyVote(vote, generateKeyPairSync("ed25519").publicKey)).toBe(false);
});

test("known answer, signed by OpenSSL over hand-sorted JSON", () => {
  expect(vote.signature.value).toBe("A8CV1D7T2e2GF5DrTmDUM6bLAnmlWykHIqCjgNYgntmOTWhtx5oy2-CVbE4TpsLuzPmx3_3uDexyCvfqXlLXAw");
});

const changes: Record<string, Partial<Vote>> = {
  requestId: { requestId: "req_other" },
  requestDigest: { requestDigest: `sha256:${"0".repeat(64)}` },
  issuer: { approver: { ...ballot.approver, issuer: "x" } },
  subject: { approver: { ...ballot.approver, subject: "bob" } },
  groups: { approver: { ...ballot.approver, groups: ["dba-oncall", "admin"] } },
  verdict: { verdict: "deny" },
  comment: { comment: "fine " },
  timeMs: { timeMs: 1 },
  breakGlass: { breakGlass: true },
  accounts: { approver: { ...ballot.approver, accounts: ["alice", "root"] } },
  delegators: { approver: { ...ballot.approver, actingFor: [{ subject: "root", groups: ["admin"] }] } },
};

test.each(Object.entries(changes))("ap-bind: a vote whose %s was changed does not verify", (_, change) => {
  expect(verifyVote({ ...vote, ...change }, publicKey)).toBe(false);
});

test.each([
  ["empty", ""],
  ["padded", `${vote.signature.value}==`],
  ["in plain base64", Buffer.from(vote.signature.value, "base64url").toString("base64")],
  ["cut", vote.signature.value.slice(0, -2)],
  ["with other spare bits", `${vote.signature.value.slice(0, -1)}${vote.signature.value.endsWith("A") ? "B" : "A"}`],
])("a signature that is %s does not verify", (_, value) => {
  expect(verifyVote({ ...vote, signature: { type: "session", value } }, publicKey)).toBe(false);
});
