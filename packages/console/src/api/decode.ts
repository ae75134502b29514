import { evidence, parameterReading, pastDecision, planLine } from "./evidence-json.ts";
import { grantBounds, grantTerms } from "./grant-json.ts";
import { DecodeError, JsonObject } from "./json.ts";
import type {
  CastVote,
  Detail,
  ErrorInfo,
  Limits,
  Outcome,
  Page,
  PolicyProblem,
  PolicyStatus,
  Requirement,
  Session,
  Stage,
  StateChange,
  Summary,
} from "./model.ts";
import { operation } from "./operation-json.ts";
import { principal } from "./principal-json.ts";
import { states, verdicts } from "./words.ts";

// The parse edge: JSON as ts-proto's `toJSON` writes it → the page's types. By hand, because the generated modules pull in grpc-js.

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

/** GetRequestResponse, VoteResponse, and all others that give a request whole. @throws {DecodeError} */
export function decodeDetail(value: unknown): Detail {
  const json = new JsonObject(value, "answer").object("request");
  const plan = json.list("plan", planLine);
  return {
    summary: summaryOf(json.object("summary")),
    // A plan's operations are its lines; anything else without an operation is not to be approved.
    operation: plan.length > 0 && !json.has("operation") ? undefined : operation(json.object("operation")),
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
    replacedBy: optionalId(json, "replacedBy"),
    replaces: optionalId(json, "replaces"),
    replacesWhy: json.string("replacesWhy"),
    grants: json.has("grants") ? grantBounds(json.object("grants")) : undefined,
    mayBreakGlass: json.boolean("mayBreakGlass"),
    evidence: json.has("evidence") ? evidence(json.object("evidence")) : undefined,
    past: json.list("past", pastDecision),
    parameterReadings: json.list("parameterReadings", parameterReading),
    plan,
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
  return {
    id: requestId(json.string("id")),
    state: json.word("state", states),
    resource: json.string("resource"),
    principal: principal(json.object("principal")),
    headline: json.string("headline"),
    rules: json.strings("rules"),
    createdMs: json.count("createdMs"),
    expiresMs: json.count("expiresMs"),
    changedMs: json.count("changedMs"),
    canVote: json.boolean("canVote"),
    actionDigest: json.string("actionDigest"),
    brokeGlass: json.boolean("brokeGlass"),
    reviewDueMs: json.optionalCount("reviewDueMs"),
    reminded: json.count("reminded"),
  };
}

/** An id becomes part of a path: it is one, or nothing of the answer is shown. */
function requestId(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(text)) throw new DecodeError(`Not a request id: ${JSON.stringify(text)}`);
  return text;
}

function optionalId(json: JsonObject, name: string): string {
  const id = json.string(name);
  return id === "" ? "" : requestId(id);
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
  return {
    approvers: json.strings("approvers"),
    count: json.count("count"),
    approved: json.count("approved"),
    escalations: [...json.list("escalations", escalation)],
  };
}

function escalation(value: unknown, path: string): Stage["escalations"][number] {
  const json = new JsonObject(value, path);
  return { fromMs: json.count("fromMs"), approvers: json.strings("approvers") };
}

function castVote(value: unknown, path: string): CastVote {
  const json = new JsonObject(value, path);
  return {
    approver: principal(json.object("approver")),
    verdict: json.word("verdict", verdicts),
    comment: json.string("comment"),
    timeMs: json.count("timeMs"),
    actingFor: json.strings("actingFor"),
    breakGlass: json.boolean("breakGlass"),
    grant: json.has("grant") ? grantTerms(json.object("grant")) : undefined,
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
    ...{ exitCode: exitCode(json), signal: json.string("signal"), status: json.count("status") },
    logIndex: json.has("receipt") ? json.object("receipt").count("logIndex") : undefined,
  };
}

/** Some shells give negative ones. */
function exitCode(json: JsonObject): number | undefined {
  return json.has("exitCode") ? json.integer("exitCode") : undefined;
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
