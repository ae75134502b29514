import { type DeepPartial, type PlanLine, RequestState, Verdict } from "@countersign/rpc";
import { hour, minute, type Sketch } from "./sketch.ts";

const person = (subject: string) => ({ issuer: "countersign-development", subject, groups: ["dba-oncall"] });
const text = (value: string) => ({ value: { $case: "text" as const, value } });

/** One line of the made-up plan. */
function line(
  index: number,
  statement: string,
  values: readonly string[],
  facts: Record<string, unknown>,
): DeepPartial<PlanLine> {
  return {
    index,
    resource: "orders-db",
    operation: { operation: { $case: "postgresQuery", value: { statement, parameters: values.map(text) } } },
    role: "writer",
    rules: ["writes-need-a-human"],
    factsJson: JSON.stringify({ protocol: "postgres", sql: { opaque: false, statements: 1, ...facts } }),
    state: RequestState.PENDING,
  };
}

const cells = (...values: (string | null)[]) => values.map((value) => (value === null ? {} : { text: value }));
const orders = ["id", "status", "customer", "note", "updated_at"];
const now = Date.now();

const reads = {
  statement: "SELECT id, total FROM invoices WHERE customer_id = $1",
  parameters: ["4711"],
  facts: { kinds: ["SELECT"], readOnly: true, tables: ["public.invoices"], reads: ["public.invoices"], hasWhere: true },
  agent: "invoice-helper",
  alike: "invoices of 4711",
  waitsMs: 3 * hour,
} as const;

/** Pending requests with everything that approvals are about: evidence, grants, votes, emergencies, plans, edits, duplicates. */
export const approvalSketches: readonly Sketch[] = [
  {
    statement: "UPDATE orders SET status = $1, updated_at = now()\nWHERE customer = $2 AND status = 'held'",
    parameters: ["released", "ACME"],
    facts: {
      kinds: ["UPDATE"],
      writes: true,
      tables: ["public.orders"],
      writesTo: ["public.orders"],
      functions: ["now"],
      hasWhere: true,
    },
    agent: "order-releaser",
    reason: "ACME has paid: release what is held.",
    rules: [
      { rule: "releases-need-two", stages: [{ approvers: ["group:dba-oncall", "group:platform-leads"], count: 2, approved: 1 }] },
    ],
    askedMsAgo: 12 * minute,
    waitsMs: 5 * hour,
    reminded: 2,
    more: {
      grants: {
        maxUses: 50,
        maxTtlSeconds: 28_800,
        values: [
          { name: "$1", ...text("released") },
          { name: "$2", ...text("ACME") },
          { name: "constant 1", ...text("held") },
        ],
      },
      votes: [
        {
          approver: person("bob"),
          verdict: Verdict.APPROVE,
          comment: "Payment seen.",
          timeMs: now - 4 * minute,
          actingFor: ["carol"],
          grant: { uses: 10, ttlSeconds: 7200, bounds: [{ value: "$2", bound: { $case: "prefix", value: "ACME" } }] },
        },
      ],
      evidence: {
        timeMs: now - 12 * minute,
        plan: "Update on orders  (cost=0.29..8.31 rows=0 width=0)\n  ->  Index Scan using orders_customer on orders  (cost=0.29..8.31 rows=4 width=46)\n        Index Cond: (customer = 'ACME'::text)\n        Filter: (status = 'held'::text)",
        estimatedRows: 4,
        affectedRows: 128,
        locks: ["RowExclusiveLock on public.orders", "It has been open for 12 s."],
        notes: ["Finding this out used up a number of the sequence public.events_id_seq."],
        sample: [
          {
            columns: orders,
            before: cells("48211", "held", "ACME", null, "2026-11-02 08:14:00+00"),
            after: cells("48211", "released", "ACME", null, "2026-11-22 20:01:11+00"),
          },
          {
            columns: orders,
            before: cells("48212", "held", "ACME", "", "2026-11-02 08:14:00+00"),
            after: cells("48212", "released", "ACME", "", "2026-11-22 20:01:11+00"),
          },
          {
            columns: orders,
            before: cells("48300", "held", "ACME", "call first\u202Etsrif llac", "2026-11-03 10:00:00+00"),
            after: cells("48300", "released", "ACME", "call first\u202Etsrif llac", "2026-11-22 20:01:11+00"),
          },
          { columns: ["order_id", "event"], after: cells("48211", "released by agent") },
          { columns: ["order_id", "seen_by"], after: cells("48211", "agent"), beforeUnknown: true },
          { columns: ["order_id", "hold_reason"], before: cells("48211", "credit check") },
        ],
      },
      past: [
        {
          id: "req_01KB5000XMOCKQ7Z",
          state: RequestState.SUCCEEDED,
          subject: "order-releaser",
          votes: ["alice: approve", "bob: approve"],
          createdMs: now - 26 * hour,
        },
        {
          id: "req_01KB5001XMOCKQ7Z",
          state: RequestState.DENIED,
          subject: "cart-cleaner",
          votes: ["bob: deny"],
          createdMs: now - 90 * hour,
        },
      ],
    },
  },
  {
    statement: "DELETE FROM sessions",
    facts: { kinds: ["DELETE"], writes: true, tables: ["public.sessions"], writesTo: ["public.sessions"], hasWhere: false },
    agent: "incident-bot",
    resource: "auth-db",
    reason: "Tokens leaked; sign everybody out.",
    rules: [
      {
        rule: "mass-deletes",
        stages: [
          {
            approvers: ["group:security", "group:security-leads"],
            count: 1,
            escalations: [
              { fromMs: now - minute, approvers: ["group:security-leads"] },
              { fromMs: now + 8 * minute, approvers: ["user:carol"] },
            ],
          },
          { approvers: ["group:dba-oncall"], count: 1 },
        ],
      },
    ],
    askedMsAgo: 2 * minute,
    waitsMs: 30 * minute,
    cannotVote: "It is not your turn yet: group:security is asked first.",
    more: {
      mayBreakGlass: true,
      evidence: {
        timeMs: now - 2 * minute,
        failure: "canceling statement due to lock timeout: sessions is locked by another transaction",
      },
    },
  },
  {
    statement: "plan: 4 operations on orders-db",
    facts: {},
    agent: "quarter-closer",
    reason: "Close the third quarter.",
    askedMsAgo: 6 * minute,
    waitsMs: 2 * hour,
    more: {
      plan: [
        line(0, "INSERT INTO closings (quarter, begun_at) VALUES ($1, now())", ["2026Q3"], {
          ...{ kinds: ["INSERT"], writes: true, writesTo: ["public.closings"] },
        }),
        line(1, "UPDATE orders SET quarter = $1 WHERE created_at < $2", ["2026Q3", "2026-10-01"], {
          ...{ kinds: ["UPDATE"], writes: true, writesTo: ["public.orders"], hasWhere: true },
        }),
        line(2, "DELETE FROM drafts", [], { kinds: ["DELETE"], writes: true, writesTo: ["public.drafts"], hasWhere: false }),
        line(3, "UPDATE closings SET done_at = now() WHERE quarter = $1", ["2026Q3"], {
          ...{ kinds: ["UPDATE"], writes: true, writesTo: ["public.closings"], hasWhere: true },
        }),
      ],
    },
  },
  { ...reads, askedMsAgo: 31 * minute },
  { ...reads, askedMsAgo: 30 * minute, reminded: 1 },
  { ...reads, askedMsAgo: 29 * minute },
  {
    statement: "DELETE FROM carts WHERE updated_at < $1 AND customer_id = $2",
    parameters: ["2026-01-01", "4711"],
    facts: { kinds: ["DELETE"], writes: true, tables: ["public.carts"], writesTo: ["public.carts"], hasWhere: true },
    reason: "Clean up.",
    askedMsAgo: 8 * minute,
    waitsMs: 2 * hour,
    more: { replaces: "req_01KB5002XMOCKQ7Z", replacesWhy: "Edited by bob: only this customer's." },
  },
];
