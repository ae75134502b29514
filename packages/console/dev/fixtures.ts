import { createHash } from "node:crypto";
import { type Operation, type PostgresParameter, RequestDetail, RequestState } from "@countersign/rpc";
import { hour, minute, type Sketch } from "./sketch.ts";

const oncall = [{ rule: "writes-need-a-human", stages: [{ approvers: ["group:dba-oncall"], count: 1 }] }];

/** A whole request, pending. */
export function pendingRequest(sketch: Sketch, number: number, nowMs: number): RequestDetail {
  const createdMs = nowMs - sketch.askedMsAgo;
  const rules: NonNullable<Sketch["rules"]> = sketch.rules ?? oncall;
  return RequestDetail.fromPartial({
    ...sketch.more,
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
      actionDigest: digest(`action ${sketch.alike ?? number}`),
      reminded: sketch.reminded,
    },
    operation: sketch.more?.plan ? undefined : (sketch.operation ?? query(sketch.statement, sketch.parameters)),
    reason: sketch.reason ?? "Part of the nightly job.",
    session: sketch.session ?? "",
    role: sketch.facts.readOnly ? "reader" : "writer",
    target: sketch.target ?? {
      type: "postgres",
      address: "db-1.internal:5432",
      database: "shop",
      user: "countersign_writer",
      tls: "verify-full",
    },
    actionDigest: digest(`action ${sketch.alike ?? number}`),
    requestDigest: digest(`request ${number}`),
    policyDigest: digest("policy"),
    limits: { rows: 1000, bytes: 10_000_000, timeMs: 30_000 },
    requirements: rules.map(({ rule, stages }) => ({
      rule,
      stages: stages.map((stage) => ({ approved: 0, ...stage })),
      satisfied: stages.every((one) => (one.approved ?? 0) >= (one.count ?? 1)),
    })),
    factsJson: JSON.stringify(
      sketch.protocol === undefined ? sqlFacts(sketch.facts) : { protocol: sketch.protocol, [sketch.protocol]: sketch.facts },
    ),
    validForSeconds: 300,
    cannotVoteReason: sketch.cannotVote ?? "",
    history: [{ state: RequestState.PENDING, timeMs: createdMs, by: "sidecar" }],
  });
}

function sqlFacts(facts: Sketch["facts"]): object {
  return { protocol: "postgres", sql: { opaque: false, statements: 1, ...facts } };
}

/** A statement on the wire. */
function query(statement: string, parameters: NonNullable<Sketch["parameters"]> = []): Operation {
  const rest = { types: [], input: undefined, connection: undefined, runs: undefined };
  return { operation: { $case: "postgresQuery", value: { statement, parameters: parameters.map(parameter), ...rest } } };
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
    ...{ exitCode: undefined, signal: "", status: 0 },
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
