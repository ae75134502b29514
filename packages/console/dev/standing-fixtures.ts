import type { ActiveLock, Delegation, EmergencyReview, Grant } from "@countersign/rpc";
import { hour, minute } from "./sketch.ts";

const agent = (subject: string) => ({ issuer: "countersign-development", subject, groups: ["agents"] });

/** Standing approvals: one in use, one taken back, one used up. */
export function madeUpGrants(nowMs: number): Grant[] {
  const grant = (number: number, change: Partial<Grant>): Grant => ({
    id: `grant_01KB${number}`,
    active: true,
    requestId: "req_01KB5000XMOCKQ7Z",
    resource: "orders-db",
    principal: agent("order-releaser"),
    template: "UPDATE orders SET status = $1, updated_at = now()\nWHERE customer = $2 AND status = 'held'",
    terms: {
      uses: 10,
      ttlSeconds: 7200,
      bounds: [
        { value: "$2", bound: { $case: "prefix", value: "ACME" } },
        { value: "constant 1", bound: { $case: "oneOf", value: { values: ["held", "parked"] } } },
      ],
    },
    used: 3,
    expiresMs: nowMs + 74 * minute,
    approvers: ["bob", "alice"],
    createdMs: nowMs - 46 * minute,
    revokedReason: "",
    ...change,
  });
  return [
    grant(1, {}),
    grant(2, {
      principal: agent("research-agent\u202Enimda"),
      template: "SELECT * FROM metrics WHERE day = $1 -- harmless\u202E",
      terms: { uses: 200, ttlSeconds: 86_400, bounds: [{ value: "$1", bound: { $case: "any", value: true } }] },
      used: 141,
      expiresMs: nowMs + 5 * hour,
      resource: "metrics-db",
    }),
    grant(3, { active: false, revokedReason: "The job is done.", createdMs: nowMs - 30 * hour, expiresMs: nowMs - 20 * hour }),
    grant(4, {
      active: false,
      used: 10,
      terms: {
        uses: 10,
        ttlSeconds: 7200,
        bounds: [{ value: "$1", bound: { $case: "range", value: { min: "1", max: "1000" } } }],
      },
      createdMs: nowMs - 50 * hour,
      expiresMs: nowMs - 48 * hour,
    }),
  ];
}

/** Locks in force. */
export function madeUpLocks(nowMs: number): ActiveLock[] {
  return [
    {
      id: "lock_01KB1",
      target: { target: { $case: "principal", value: { issuer: "countersign-development", subject: "research-agent" } } },
      by: "bob",
      reason: "Asked for the same opaque statement eleven times.",
      createdMs: nowMs - 25 * minute,
    },
    {
      id: "lock_01KB2",
      target: { target: { $case: "resource", value: "legacy-db" } },
      by: "carol",
      reason: "Migration until Monday.",
      createdMs: nowMs - 40 * hour,
    },
  ];
}

/** Delegations: to alice, from alice, and between others. */
export function madeUpDelegations(nowMs: number): Delegation[] {
  const delegation = (id: number, from: string, to: string, hours: readonly [number, number], reason: string): Delegation => ({
    id: `delegation_01KB${id}`,
    ...{ from, to, fromMs: nowMs + hours[0] * hour, untilMs: nowMs + hours[1] * hour, reason },
  });
  return [
    delegation(1, "carol", "alice", [-20, 30], "Holiday"),
    delegation(2, "alice", "bob", [48, 96], ""),
    delegation(3, "dave", "bob", [-3, 5], "Dentist"),
  ];
}

/** Reviews of emergencies: one overdue, one open that alice caused, one closed. */
export function madeUpReviews(nowMs: number): EmergencyReview[] {
  const review = (change: Partial<EmergencyReview>): EmergencyReview => ({
    requestId: "req_01KB5000XMOCKQ7Z",
    by: "bob",
    reason: "Everybody was locked out, nobody else was awake.",
    timeMs: nowMs - 50 * hour,
    dueMs: nowMs - 2 * hour,
    closedBy: "",
    finding: "",
    headline: "UPDATE feature_flags SET enabled = false WHERE name = 'strict-login'",
    resource: "auth-db",
    ...change,
  });
  return [
    review({}),
    review({
      requestId: "req_01KB5009XMOCKQ7Z",
      by: "alice",
      reason: "Disk full.",
      headline: "TRUNCATE debug_events",
      timeMs: nowMs - 3 * hour,
      dueMs: nowMs + 21 * hour,
      resource: "metrics-db",
    }),
    review({
      requestId: "req_01KB5005XMOCKQ7Z",
      reason: "Runaway job.",
      headline: "DELETE FROM jobs WHERE name = 'loop'",
      closedBy: "carol",
      finding: "It was one, and it was right.",
    }),
  ];
}
