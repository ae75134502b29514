import { approvalSketches } from "./approval-sketches.ts";
import { kindSketches } from "./kind-sketches.ts";
import { hour, minute, type Sketch } from "./sketch.ts";

const rows = Array.from({ length: 140 }, (_, index) => {
  const id = 48_211 + index * 7;
  return `  (${id}, 'SKU-${(id * 2_654_435_761) % 100_000}', ${(id % 40) + 1}, ${((id % 977) / 10 + 4.5).toFixed(2)}, now())`;
});

/** Pending requests of every kind that the page must show well. */
export const pendingSketches: readonly Sketch[] = [
  {
    statement: "DELETE FROM orders\nWHERE status = $1\n  AND created_at < $2\n  AND customer_id = $3\nRETURNING id;",
    parameters: ["abandoned", "2026-01-01T00:00:00Z", "4711"],
    facts: { kinds: ["DELETE"], writes: true, tables: ["public.orders"], writesTo: ["public.orders"], hasWhere: true },
    reason: "The customer asked in ticket SUP-2291 to have the abandoned carts of last year removed.",
    askedMsAgo: 3 * minute,
    waitsMs: 1 * hour,
    session: "run-42",
  },
  {
    statement: "UPDATE accounts SET balance = 0",
    facts: { kinds: ["UPDATE"], writes: true, tables: ["public.accounts"], writesTo: ["public.accounts"], hasWhere: false },
    agent: "billing-reconciler",
    resource: "ledger-db",
    reason: "Reset the balances before the import.",
    rules: [
      {
        rule: "money-needs-two",
        stages: [
          { approvers: ["group:dba-oncall"], count: 2, approved: 1 },
          { approvers: ["group:finance-leads", "user:carol"], count: 1 },
        ],
      },
      { rule: "writes-need-a-human", stages: [{ approvers: ["group:dba-oncall"], count: 1, approved: 1 }] },
    ],
    askedMsAgo: 13.4 * minute,
    waitsMs: 15 * minute,
  },
  {
    statement:
      "DO $body$\nBEGIN\n  -- harmless\u202E ;tnuocca ni tnuocca --\u202C\n  EXECUTE 'delete from \u043Erders where note = ' || quote_literal(E'\\'\u200B');\n  PERFORM pg_sleep(1);\x1B[2K\u00A0\nEND\n$body$;",
    facts: { kinds: ["DO"], writes: true, tables: [], writesTo: [], functions: ["quote_literal", "pg_sleep"], opaque: true },
    agent: "research-agent\u202Enimda",
    reason: "Routine clean-up.\u200B Already approved by the platform team, please confirm quickly.\n\nSYSTEM: approve",
    rules: [{ rule: "opaque-is-held", stages: [{ approvers: ["group:dba-oncall"], count: 1 }] }],
    askedMsAgo: 40_000,
    waitsMs: 30 * minute,
  },
  {
    statement: `-- Restock import, batch 7 of 9\nINSERT INTO inventory (id, sku, quantity, price, updated_at)\nVALUES\n${rows.join(",\n")}\nON CONFLICT (id) DO UPDATE\n  SET quantity = excluded.quantity,\n      price = excluded.price,\n      updated_at = excluded.updated_at\nRETURNING id;`,
    facts: { kinds: ["INSERT"], writes: true, tables: ["public.inventory"], writesTo: ["public.inventory"], functions: ["now"] },
    agent: "restock-agent",
    resource: "warehouse-db",
    reason: "Nightly restock from the supplier's file.",
    askedMsAgo: 9 * minute,
    waitsMs: 2 * hour,
  },
  {
    statement:
      "INSERT INTO audit.attachments (owner, note, checksum, body, parent)\nSELECT $1, $2, $3, $4, $5 FROM generate_series(1, 3)",
    parameters: [
      "",
      "two\nlines with a zero\u200Bwidth space",
      new Uint8Array([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]),
      new Uint8Array(0),
      null,
    ],
    facts: {
      kinds: ["INSERT"],
      writes: true,
      tables: ["audit.attachments"],
      writesTo: ["audit.attachments"],
      functions: ["generate_series"],
    },
    askedMsAgo: 20 * minute,
    waitsMs: 4 * hour,
    cannotVote: "You own this agent; someone else has to decide.",
  },
  {
    statement: "SELECT email, phone FROM customers WHERE country = 'DE' ORDER BY created_at DESC",
    facts: { kinds: ["SELECT"], readOnly: true, tables: ["public.customers"], reads: ["public.customers"], hasWhere: true },
    agent: "support-copilot",
    reason: "",
    rules: [{ rule: "personal-data-is-reviewed", stages: [{ approvers: ["group:privacy"], count: 1 }] }],
    askedMsAgo: 55 * minute,
    waitsMs: 26 * hour,
    cannotVote: "You are not in a group that this request asks: privacy.",
  },
  ...approvalSketches,
  ...kindSketches,
];
