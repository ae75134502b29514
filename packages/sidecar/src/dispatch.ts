import type { AuditLog, LogReceipt, OpenIntent, RecordDraft } from "@countersign/audit";
import {
  type Action,
  type Asked,
  askedPayload,
  CountersignError,
  type Digest,
  type GrantUse,
  type Json,
  type Limits,
  type Outcome,
  type Revocations,
} from "@countersign/policy";
import { takenBack } from "./live-calls.ts";
import { outcomeDetail } from "./outcome-detail.ts";
import type { Persistence } from "./persist.ts";
import type { Connector, RecordSession, ResultSink } from "./protocols/connector.ts";
import { type Recording, startRecording } from "./sessions/recording.ts";
import { sessionEnd } from "./sessions/session-end.ts";
import type { SessionAbout } from "./sessions/session-records.ts";
import { goesBy } from "./spent-buffers.ts";
import type { OnStep } from "./step.ts";

/** The single-use right to dispatch one action. */
export interface Permit {
  readonly id: string;
  readonly action: Action;
  readonly actionDigest: Digest;
  readonly policyDigest: Digest;
  readonly rules: readonly string[];
  readonly limits: Limits;
  /** Classification found that the operation only reads. */
  readonly readOnly: boolean;
  /** What made it. For `review`, the `request` record has the payload and the votes are over `requestDigest`. */
  readonly source:
    | { readonly effect: "allow"; readonly asked: Asked }
    | { readonly effect: "review"; readonly requestDigest: Digest }
    | { readonly effect: "grant"; readonly use: GrantUse; readonly asked: Asked }
    /** As for `review`, of the plan whose line, from 0, it is. */
    | { readonly effect: "plan"; readonly requestDigest: Digest; readonly line: number };
}

/** What a dispatch needs of the sidecar. */
export interface DispatchParts {
  readonly audit: AuditLog;
  readonly revocations: Revocations;
  readonly writer: string;
  readonly now: () => number;
  /** Record auto-allowed reads as strictly as everything else. */
  readonly strict: boolean;
  readonly persistence: Persistence;
  readonly onStep: OnStep;
}

/** How one dispatch is held in hand. */
export interface DispatchControl {
  readonly signal: AbortSignal;
  /**
   * Asks policy once more when everything is prepared: waiting for a connection may have taken longer than a policy lasted.
   *
   * @throws {CountersignError} `revoked`, when it must not run any more.
   */
  readonly confirm: () => void | Promise<void>;
}

/** How it ended, and the proof: of its outcome, or, while that is in doubt, of its intent; without one the outcome could not be recorded yet. */
export interface Dispatched {
  readonly outcome: Outcome;
  /** Whether anything of the operation may have reached the target: the intent was recorded. */
  readonly dispatched: boolean;
  readonly receipt?: LogReceipt;
  /** The outcome record that is still to be written. */
  readonly unrecorded?: RecordDraft & { readonly request: string };
  /** The intent that is left without an outcome: the target may be able to tell later what became of it. */
  readonly doubt?: OpenIntent;
}

/**
 * Runs one permitted action: prepare → confirm → record the intent (durable) → execute → record the outcome. The intent is in the log before the first
 * byte of the operation goes to the target; what cannot be recorded is not dispatched.
 *
 * Never throws: what went wrong is the outcome.
 */
export async function dispatch(
  permit: Permit,
  connector: Pick<Connector, "dispatch">,
  parts: DispatchParts,
  sink: ResultSink,
  { signal, confirm }: DispatchControl,
): Promise<Dispatched> {
  const { action } = permit;
  const durability = permit.readOnly && permit.source.effect === "allow" && !parts.strict ? "handed-over" : "durable";
  const { readOnly } = permit;
  let recording: Recording | undefined;
  const record: RecordSession = async (session) => {
    recording = await startRecording(sessionAbout(permit, session), parts);
    return recording;
  };
  const attempt = connector.dispatch(action.operation, action.role, permit.limits, { signal, readOnly, record });
  let marker: Json;
  let intent: LogReceipt | undefined;
  try {
    try {
      marker = await attempt.prepare();
      await confirm();
      signal.throwIfAborted();
      const refusal = parts.revocations.refusal(action);
      if (refusal !== undefined) throw new CountersignError("revoked", refusal);
      [intent] = await parts.audit.append(parts.writer, [intentRecord(permit, marker, parts.now())], durability);
    } catch (error) {
      return { outcome: asTakenBack(notDispatched(error, signal), signal), dispatched: false };
    }
    parts.onStep("intent", permit.id);
    // Asked in the very turn in which the first byte is sent: once a revocation has returned, nothing that it is about gets here.
    const refusal = parts.revocations.refusal(action);
    const came =
      refusal !== undefined || signal.aborted
        ? notDispatched(
            new CountersignError("revoked", refusal ?? "It was stopped before it was sent to the target; nothing ran."),
          )
        : await attempt.run(counted(sink)).catch(inDoubt);
    const outcome = asTakenBack(came, signal);
    await recording?.end(sessionEnd(outcome, signal));
    parts.onStep("executed", permit.id);
    // By its marker the target may be asked again: until it tells, the intent stays without an outcome, as after a crash.
    if (outcome.state === "unknown" && marker !== null && intent !== undefined) {
      return { outcome, dispatched: true, receipt: intent, doubt: { request: permit.id, record: intent.record } };
    }
    return await recordOutcome(outcomeRecord(permit, outcome, parts.now()), outcome, durability, parts);
  } finally {
    await attempt.close();
  }
}

/** The same sink, when what goes by is counted: it leaves spent buffers behind. */
function counted(sink: ResultSink): ResultSink {
  return (chunk) => {
    if ("data" in chunk) goesBy(chunk.data.length);
    return sink(chunk);
  };
}

async function recordOutcome(
  record: RecordDraft & { readonly request: string },
  outcome: Outcome,
  durability: "durable" | "handed-over",
  parts: DispatchParts,
): Promise<Dispatched> {
  try {
    const [receipt] = await parts.audit.append(parts.writer, [record], durability);
    if (receipt !== undefined) return { outcome, dispatched: true, receipt };
  } catch {
    // What ran has run: the caller is told the truth, without a receipt, and the record is written when the log works again.
  }
  return { outcome, dispatched: true, unrecorded: record };
}

/** How something ended, where others took it back while it ran: who asked did not cancel it. */
function asTakenBack(outcome: Outcome, { reason }: AbortSignal): Outcome {
  const { failure } = outcome;
  if (reason !== takenBack || failure?.code !== "cancelled") return outcome;
  return {
    ...outcome,
    state: "failed",
    failure: { ...failure, code: "revoked", message: failure.message.replace("Cancelled", "Revoked") },
  };
}

/** A connector that failed in an unforeseen way after the intent: what happened cannot be told. */
export function inDoubt(): Outcome {
  const failure = {
    code: "unknown_outcome",
    message: "The sidecar failed while the target was at work; look at the target before you ask again.",
    retryable: false,
  } as const;
  return { state: "unknown", failure, rows: 0, bytes: 0, durationMs: 0 };
}

/** The outcome of what failed before anything of the operation was sent. */
export function notDispatched(error: unknown, signal?: AbortSignal): Outcome {
  const nothing = { rows: 0, bytes: 0, durationMs: 0 };
  if (signal?.aborted) {
    return {
      state: "cancelled",
      failure: { code: "cancelled", message: "Cancelled before it was sent to the target; nothing ran.", retryable: false },
      ...nothing,
    };
  }
  if (error instanceof CountersignError) {
    const { code, message, retryable, targetCode } = error;
    return {
      state: "failed",
      failure: { code, message, retryable, ...(targetCode === undefined ? {} : { targetCode }) },
      ...nothing,
    };
  }
  const audit = error instanceof Error && error.name === "AuditError";
  return {
    state: "failed",
    failure: audit
      ? {
          code: "audit_unavailable",
          message: "The audit log cannot be written, so nothing was run. Free disk space or repair the log, then try again.",
          retryable: true,
        }
      : {
          code: "internal",
          message: "An internal error stopped the call before anything was sent to the target.",
          retryable: false,
        },
    ...nothing,
  };
}

function sessionAbout({ id, action, actionDigest, policyDigest }: Permit, session: Parameters<RecordSession>[0]): SessionAbout {
  const { principal, resource, role } = action;
  return { ...session, id, principal, resource, role, action: actionDigest, policy: policyDigest };
}

function recordBase(permit: Permit, timeMs: number) {
  const { issuer, subject, groups } = permit.action.principal;
  return {
    timeMs,
    request: permit.id,
    action: permit.actionDigest,
    principal: { issuer, subject, groups },
    resource: permit.action.resource,
    policy: permit.policyDigest,
  };
}

function intentRecord(permit: Permit, marker: Json, timeMs: number): RecordDraft {
  const { source, action } = permit;
  return {
    ...recordBase(permit, timeMs),
    type: "intent",
    detail: {
      effect: source.effect,
      rules: permit.rules,
      role: action.role,
      limits: { ...permit.limits },
      target: { ...action.target },
      readOnly: permit.readOnly,
      marker,
      ...(source.effect === "review" || source.effect === "plan" ? { requestDigest: source.requestDigest } : {}),
      ...lineDetail(source),
      ...(source.effect === "grant" ? { grant: source.use.grantId, use: source.use.use } : {}),
    },
    // A reviewed request's payload is already beside its `request` record.
    ...(source.effect === "review" || source.effect === "plan" ? {} : { payload: askedPayload(source.asked) }),
  };
}

function outcomeRecord(permit: Permit, outcome: Outcome, timeMs: number): RecordDraft & { readonly request: string } {
  return { ...recordBase(permit, timeMs), type: "outcome", detail: { ...outcomeDetail(outcome), ...lineDetail(permit.source) } };
}

/** Which line of the plan it is, where it is one. */
function lineDetail(source: Permit["source"]): { readonly line?: number } {
  return source.effect === "plan" ? { line: source.line } : {};
}
