import type * as rpc from "@countersign/rpc";
import { DecodeError, JsonObject } from "./json.ts";
import type {
  CastVote,
  Detail,
  ErrorInfo,
  Limits,
  Operation,
  Outcome,
  Page,
  Parameter,
  PolicyProblem,
  PolicyStatus,
  Principal,
  Requirement,
  Session,
  Stage,
  State,
  StateChange,
  Summary,
  Verdict,
} from "./model.ts";

// The parse edge: JSON as ts-proto's `toJSON` writes it → the page's types. By hand, because the generated modules pull in grpc-js.

/** Wire name of each meaningful member of a generated enum. */
type WireNames<Prefix extends string, Enum, Word> = Readonly<
  Record<`${Prefix}_${Exclude<keyof Enum & string, "UNSPECIFIED" | "UNRECOGNIZED">}`, Word>
>;

const states = {
  REQUEST_STATE_PENDING: "pending",
  REQUEST_STATE_APPROVED: "approved",
  REQUEST_STATE_EXECUTING: "executing",
  REQUEST_STATE_SUCCEEDED: "succeeded",
  REQUEST_STATE_FAILED: "failed",
  REQUEST_STATE_DENIED: "denied",
  REQUEST_STATE_EXPIRED: "expired",
  REQUEST_STATE_CANCELLED: "cancelled",
  REQUEST_STATE_REVOKED: "revoked",
  REQUEST_STATE_UNKNOWN: "unknown",
} as const satisfies WireNames<"REQUEST_STATE", typeof rpc.RequestState, State>;

const verdicts = {
  VERDICT_APPROVE: "approve",
  VERDICT_DENY: "deny",
} as const satisfies WireNames<"VERDICT", typeof rpc.Verdict, Verdict>;

/** The wire name of a state, e.g. `REQUEST_STATE_PENDING`. */
export function wireState(state: State): string {
  return `REQUEST_STATE_${state.toUpperCase()}`;
}

/** The wire name of a verdict, e.g. `VERDICT_APPROVE`. */
export function wireVerdict(verdict: Verdict): string {
  return `VERDICT_${verdict.toUpperCase()}`;
}

/** GetSessionResponse. @throws {DecodeError} */
export function decodeSession(value: unknown): Session {
  const json = new JsonObject(value, "session");
  return { approver: principal(json.object("approver")), expiresMs: json.count("expiresMs") };
}

/** ListRequestsResponse. @throws {DecodeError} */
export function decodePage(value: unknown): Page {
  const json = new JsonObject(value, "page");
  return { requests: json.list("requests", summary), nextPageToken: json.string("nextPageToken") };
}

/** What a message of the inbox is about. */
export type InboxMessage =
  | { readonly type: "request"; readonly request: Summary }
  | { readonly type: "policy"; readonly policy: PolicyStatus };

/** WatchInboxResponse. @throws {DecodeError} */
export function decodeInboxMessage(value: unknown): InboxMessage {
  const json = new JsonObject(value, "message");
  if (json.has("policy")) return { type: "policy", policy: policyStatus(json.object("policy")) };
  return { type: "request", request: summaryOf(json.object("request")) };
}

/** GetRequestResponse or VoteResponse. @throws {DecodeError} */
export function decodeDetail(value: unknown): Detail {
  const json = new JsonObject(value, "answer").object("request");
  return {
    summary: summaryOf(json.object("summary")),
    operation: operation(json.object("operation")),
    reason: json.string("reason"),
    session: json.string("session"),
    role: json.string("role"),
    target: json.object("target").stringMap(),
    actionDigest: json.string("actionDigest"),
    requestDigest: json.string("requestDigest"),
    policyDigest: json.string("policyDigest"),
    limits: limits(json.object("limits")),
    requirements: json.list("requirements", requirement),
    votes: json.list("votes", castVote),
    outcome: json.has("outcome") ? outcome(json.object("outcome")) : undefined,
    factsJson: json.string("factsJson"),
    validForSeconds: json.count("validForSeconds"),
    cannotVoteReason: json.string("cannotVoteReason"),
    history: json.list("history", stateChange),
  };
}

function policyStatus(json: JsonObject): PolicyStatus {
  return {
    policyDigest: json.string("policyDigest"),
    sinceMs: json.count("sinceMs"),
    version: json.count("version"),
    rules: json.count("rules"),
    failingSinceMs: json.count("failingSinceMs"),
    problems: json.list("problems", policyProblem),
  };
}

function policyProblem(value: unknown, path: string): PolicyProblem {
  const json = new JsonObject(value, path);
  return {
    file: json.string("file"),
    line: json.count("line"),
    column: json.count("column"),
    message: json.string("message"),
  };
}

function summary(value: unknown, path: string): Summary {
  return summaryOf(new JsonObject(value, path));
}

function summaryOf(json: JsonObject): Summary {
  const id = json.string("id");
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) throw new DecodeError(`Not a request id: ${JSON.stringify(id)}`);
  return {
    id,
    state: json.word("state", states),
    resource: json.string("resource"),
    principal: principal(json.object("principal")),
    headline: json.string("headline"),
    rules: json.strings("rules"),
    createdMs: json.count("createdMs"),
    expiresMs: json.count("expiresMs"),
    changedMs: json.count("changedMs"),
    canVote: json.boolean("canVote"),
  };
}

function principal(json: JsonObject): Principal {
  return { issuer: json.string("issuer"), subject: json.string("subject"), groups: json.strings("groups") };
}

function operation(json: JsonObject): Operation {
  if (!json.has("postgresQuery")) throw new DecodeError("The operation is of a kind that this page does not know");
  const query = json.object("postgresQuery");
  return { kind: "postgres.query", statement: query.string("statement"), parameters: query.list("parameters", parameter) };
}

function parameter(value: unknown, path: string): Parameter {
  const json = new JsonObject(value, path);
  if (json.boolean("null")) return { type: "null" };
  if (json.has("text")) return { type: "text", value: json.string("text") };
  if (json.has("binary")) return { type: "binary", value: json.bytes("binary") };
  throw new DecodeError(`${path} has no value`);
}

function limits(json: JsonObject): Limits {
  return { rows: json.count("rows"), bytes: json.count("bytes"), timeMs: json.count("timeMs") };
}

function requirement(value: unknown, path: string): Requirement {
  const json = new JsonObject(value, path);
  return { rule: json.string("rule"), stages: [...json.list("stages", stage)], satisfied: json.boolean("satisfied") };
}

function stage(value: unknown, path: string): Stage {
  const json = new JsonObject(value, path);
  return { approvers: json.strings("approvers"), count: json.count("count"), approved: json.count("approved") };
}

function castVote(value: unknown, path: string): CastVote {
  const json = new JsonObject(value, path);
  return {
    approver: principal(json.object("approver")),
    verdict: json.word("verdict", verdicts),
    comment: json.string("comment"),
    timeMs: json.count("timeMs"),
  };
}

function stateChange(value: unknown, path: string): StateChange {
  const json = new JsonObject(value, path);
  return { state: json.word("state", states), timeMs: json.count("timeMs"), by: json.string("by") };
}

function outcome(json: JsonObject): Outcome {
  return {
    state: json.word("state", states),
    error: json.has("error") ? errorInfo(json.object("error")) : undefined,
    commandTag: json.string("commandTag"),
    rows: json.count("rows"),
    rowsAffected: json.count("rowsAffected"),
    bytes: json.count("bytes"),
    durationMs: json.count("durationMs"),
    logIndex: json.has("receipt") ? json.object("receipt").count("logIndex") : undefined,
  };
}

function errorInfo(json: JsonObject): ErrorInfo {
  return {
    code: json.string("code"),
    message: json.string("message"),
    requestId: json.string("requestId"),
    retryable: json.boolean("retryable"),
    targetCode: json.string("targetCode"),
  };
}
