import { createHash } from "node:crypto";
import { type PostgresParameter, RequestDetail, RequestState } from "@countersign/rpc";

/** What differs between the made-up requests. */
interface Sketch {
  readonly statement: string;
  readonly parameters?: readonly (null | string | Uint8Array)[];
  readonly facts: Record<string, unknown>;
  readonly agent?: string;
  readonly resource?: string;
  readonly reason?: string;
  readonly rules?: readonly { rule: string; stages: readonly { approvers: string[]; count: number; approved?: number }[] }[];
  readonly askedMsAgo: number;
  readonly waitsMs: number;
  readonly cannotVote?: string;
  readonly session?: string;
}

const minute = 60_000;
const hour = 60 * minute;
const oncall = [{ rule: "writes-need-a-human", stages: [{ approvers: ["group:dba-oncall"], count: 1 }] }];

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
];

/** A whole request, pending. */
export function pendingRequest(sketch: Sketch, number: number, nowMs: number): RequestDetail {
  const createdMs = nowMs - sketch.askedMsAgo;
  const rules: NonNullable<Sketch["rules"]> = sketch.rules ?? oncall;
  return RequestDetail.fromPartial({
    summary: {
      id: `req_01KB${String(number).padStart(4, "0")}XMOCKQ7Z`,
      state: RequestState.PENDING,
      resource: sketch.resource ?? "orders-db",
      principal: { issuer: "countersign-development", subject: sketch.agent ?? "cart-cleaner", groups: ["agents", "commerce"] },
      headline: headline(sketch.statement),
      rules: rules.map((one) => one.rule),
      createdMs,
      expiresMs: createdMs + sketch.waitsMs,
      changedMs: createdMs,
      canVote: sketch.cannotVote === undefined,
    },
    operation: {
      operation: {
        $case: "postgresQuery",
        value: { statement: sketch.statement, parameters: (sketch.parameters ?? []).map(parameter) },
      },
    },
    reason: sketch.reason ?? "Part of the nightly job.",
    session: sketch.session ?? "",
    role: sketch.facts.readOnly ? "reader" : "writer",
    target: { type: "postgres", address: "db-1.internal:5432", database: "shop", user: "countersign_writer", tls: "verify-full" },
    actionDigest: digest(`action ${number}`),
    requestDigest: digest(`request ${number}`),
    policyDigest: digest("policy"),
    limits: { rows: 1000, bytes: 10_000_000, timeMs: 30_000 },
    requirements: rules.map(({ rule, stages }) => ({
      rule,
      stages: stages.map((stage) => ({ approved: 0, ...stage })),
      satisfied: stages.every((one) => (one.approved ?? 0) >= one.count),
    })),
    factsJson: JSON.stringify({ protocol: "postgres", sql: { opaque: false, statements: 1, ...sketch.facts } }),
    validForSeconds: 300,
    cannotVoteReason: sketch.cannotVote ?? "",
    history: [{ state: RequestState.PENDING, timeMs: createdMs, by: "sidecar" }],
  });
}

const endings = [
  [RequestState.SUCCEEDED, "DELETE 3", 3, ""],
  [RequestState.DENIED, "", 0, "denied"],
  [RequestState.SUCCEEDED, "UPDATE 128", 128, ""],
  [RequestState.FAILED, "", 0, "target_error"],
  [RequestState.EXPIRED, "", 0, "expired"],
  [RequestState.SUCCEEDED, "INSERT 0 1", 1, ""],
  [RequestState.CANCELLED, "", 0, "cancelled"],
  [RequestState.UNKNOWN, "", 0, "unknown_outcome"],
  [RequestState.REVOKED, "", 0, "revoked"],
] as const;

const endingMessages: Readonly<Record<string, string>> = {
  denied: "alice denied it: not during the sale.",
  target_error: 'relation "orders_old" does not exist',
  expired: "Nobody decided within 1 hour.",
  cancelled: "The agent withdrew it.",
  unknown_outcome: "The sidecar stopped between dispatch and outcome, and the target could not tell what happened.",
  revoked: "bob took the approval back.",
};

/** A request that has ended. */
export function endedRequest(number: number, nowMs: number): RequestDetail {
  const [state, commandTag, rowsAffected, code] = endings[number % endings.length] ?? endings[0];
  const id = 5000 + number * 13;
  const sketch: Sketch = {
    statement: `DELETE FROM orders WHERE id = $1 AND status = 'duplicate' -- batch ${id}`,
    parameters: [String(id)],
    facts: { kinds: ["DELETE"], writes: true, tables: ["public.orders"], writesTo: ["public.orders"], hasWhere: true },
    askedMsAgo: (number + 1) * 47 * minute,
    waitsMs: hour,
    cannotVote: "This request has ended.",
  };
  const request = pendingRequest(sketch, 1000 + number, nowMs);
  const endedMs = nowMs - sketch.askedMsAgo + 4 * minute;
  const ran = commandTag !== "" || code === "target_error";
  if (request.summary) Object.assign(request.summary, { state, changedMs: endedMs });
  if (ran) {
    request.votes = [
      {
        approver: { issuer: "oidc", subject: "alice", groups: ["dba-oncall"] },
        verdict: 1,
        comment: "Checked with the shop team.",
        timeMs: endedMs - 2_000,
        actingFor: [],
        breakGlass: false,
        grant: undefined,
      },
    ];
    request.history.push(
      { state: RequestState.APPROVED, timeMs: endedMs - 2_000, by: "alice" },
      { state: RequestState.EXECUTING, timeMs: endedMs - 1_990, by: "sidecar" },
    );
  }
  request.history.push({ state, timeMs: endedMs, by: ran ? "sidecar" : code === "denied" ? "alice" : "clock" });
  request.outcome = {
    state,
    error:
      code === ""
        ? undefined
        : {
            code,
            message: endingMessages[code] ?? "",
            requestId: "",
            retryable: false,
            targetCode: code === "target_error" ? "42P01" : "",
          },
    commandTag,
    rows: 0,
    rowsAffected,
    bytes: 0,
    durationMs: ran ? 12 + (number % 40) : 0,
    receipt: ran
      ? {
          requestId: "",
          actionDigest: "",
          effect: 3,
          logIndex: 4_000 + number * 3,
          record: Buffer.alloc(0),
          inclusionProof: [],
          checkpoint: "",
          grant: "",
        }
      : undefined,
  };
  return request;
}

function parameter(value: null | string | Uint8Array): PostgresParameter {
  if (value === null) return { value: { $case: "null", value: true } };
  return typeof value === "string"
    ? { value: { $case: "text", value } }
    : { value: { $case: "binary", value: Buffer.from(value) } };
}

/** As the control plane writes it. */
function headline(statement: string): string {
  const shown = statement.slice(0, 200).replaceAll("\\", "\\\\");
  return shown.replaceAll("\n", "\\n").replaceAll(/\p{C}/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
