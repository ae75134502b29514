import { expect, test } from "vitest";
import { canTransition, isFinal, type RequestBinding, type RequestState, requestDigest, transitions } from "./request.ts";

const binding: RequestBinding = {
  requestId: "req_01HZY3V7Q0ABCDEFGHJKMNPQRS",
  actionDigest: "sha256:4d55a066281b72b50758888b39d2cd1f84b05fd99eb79a5a270d07196e1a253c",
  policyDigest: "sha256:0000000000000000000000000000000000000000000000000000000000000000",
  limits: { rows: 100, timeMs: 30_000 },
  expiry: { pendingUntilMs: 1_764_000_000_000, validForMs: 300_000 },
  nonce: "AAAAAAAAAAAAAAAAAAAAAA",
};

test("known answer, computed by another implementation", () => {
  expect(requestDigest(binding)).toBe("sha256:eb8a638a8d3b4708c392fbfedc91dbc305ab25476c3a4a4ebc0186afa5168dc9");
});

const changes: Record<string, RequestBinding> = {
  requestId: { ...binding, requestId: "req_01HZY3V7Q0ABCDEFGHJKMNPQRT" },
  actionDigest: { ...binding, actionDigest: `sha256:${"1".repeat(64)}` },
  policyDigest: { ...binding, policyDigest: `sha256:${"1".repeat(64)}` },
  "limits.rows": { ...binding, limits: { ...binding.limits, rows: 101 } },
  "limits.bytes": { ...binding, limits: { ...binding.limits, bytes: 1 } },
  "limits.timeMs": { ...binding, limits: { rows: 100 } },
  pendingUntilMs: { ...binding, expiry: { ...binding.expiry, pendingUntilMs: 1_764_000_000_001 } },
  validForMs: { ...binding, expiry: { ...binding.expiry, validForMs: 300_001 } },
  nonce: { ...binding, nonce: "AAAAAAAAAAAAAAAAAAAAAQ" },
};

test.each(Object.entries(changes))("ap-bind: changing %s changes what a vote is over", (_, changed) => {
  expect(requestDigest(changed)).not.toBe(requestDigest(binding));
});

const states = Object.keys(transitions) as RequestState[];

test("only an approved request can be executed, and an executing one ends by its outcome only", () => {
  expect(states.filter((state) => canTransition(state, "executing"))).toEqual(["approved"]);
  expect(states.filter((state) => canTransition("executing", state))).toEqual(["succeeded", "failed", "unknown"]);
  expect(states.filter((state) => canTransition(state, "approved"))).toEqual(["pending"]);
});

test("what has ended stays as it is, but for a doubt that is resolved", () => {
  const ended = states.filter(isFinal);
  expect(ended).toEqual(["succeeded", "failed", "denied", "expired", "cancelled", "revoked", "unknown"]);
  for (const state of ended)
    expect(states.filter((next) => canTransition(state, next))).toEqual(state === "unknown" ? ["succeeded", "failed"] : []);
});
