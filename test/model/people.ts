import { type Approver, loadPolicy, type Policy, type Principal } from "@countersign/policy";

const person = (subject: string, groups: readonly string[], more: Partial<Approver> = {}): Approver => ({
  ...{ issuer: "model", subject, groups, ...more },
});

/** Everybody who takes part. */
export const people = {
  alice: person("alice", ["dba"], { accounts: ["alice", "alice-oncall"] }),
  /** The same person, signed in under another account. */
  aliceAgain: person("alice-oncall", ["dba"], { accounts: ["alice", "alice-oncall"] }),
  bob: person("bob", ["dba"]),
  carl: person("carl", ["dba"]),
  /** Owns the agent. */
  olga: person("olga", ["dba"]),
  /** Asked only when nobody answers. */
  lena: person("lena", ["leads"]),
  /** Takes back, locks, lifts. */
  admin: person("admin", ["security"]),
} as const satisfies Record<string, Approver>;

export const agent: Principal = { issuer: "model", subject: "agent", groups: [], claims: {}, owner: "olga" };
export const resource = "orders-db";
export const statement = "delete from orders where id = 7";

/** How long things may take, milliseconds. A step of the clock is {@link tickMs}. */
export const times = { tickMs: 160_000, escalateMs: 50_000, pendingMs: 250_000, validMs: 150_000, skewMs: 60_000 };

const seconds = (ms: number) => `${ms / 1000}s`;

function rules(count: number, role: string): Policy {
  const text = `version: 1
rules:
  - id: writes
    resources: [${resource}]
    when: sql.writes
    effect: review
    role: ${role}
    approval:
      stages:
        - approvers: [group:dba]
          count: ${count}
          escalate: [{ after: ${seconds(times.escalateMs)}, to: [group:leads] }]
      expires: ${seconds(times.pendingMs)}
      validFor: ${seconds(times.validMs)}
`;
  return loadPolicy({ "policy.yaml": text });
}

/** The policy at first, and what it is changed to: another role, so that whatever was agreed to is void. */
export const policies = { first: rules(2, "writer"), second: rules(2, "owner") } as const;

/** How many people have to agree, by either policy. */
export const needed = 2;
