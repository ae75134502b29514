import {
  actionDigest,
  CountersignError,
  lineAction,
  lineRefusal,
  type Outcome,
  type PlanLine,
  type RequestBook,
  type RequestSnapshot,
} from "@countersign/policy";
import type { Asking } from "../asking.ts";
import { chunkBody } from "../chunk-forms.ts";
import { conclude } from "../conclusion.ts";
import { type Dispatched, type DispatchParts, dispatch, notDispatched, type Permit } from "../dispatch.ts";
import type { DoubtParts } from "../doubt.ts";
import { EventWriter, type Viewer } from "../event-writer.ts";
import type { LiveCalls } from "../live-calls.ts";
import type { Trust } from "../permit.ts";
import type { Persistence } from "../persist.ts";
import type { ResultSink } from "../protocols/connector.ts";
import type { Replacing } from "../replacing.ts";
import type { Resources } from "../resources.ts";
import { decidedEvent, wireOutcome, wireReceipt } from "../wire.ts";
import { type LineFinding, linePermit } from "./line-permit.ts";
import { recordedPlan } from "./recorded-plan.ts";

/** What running the lines of plans takes. */
export interface PlansParts extends DispatchParts, DoubtParts {
  readonly requests: RequestBook;
  readonly resources: Resources;
  readonly persistence: Persistence;
  readonly voteKey: Trust["voteKey"];
  readonly asking: Asking;
  readonly replacing: Replacing;
  readonly live: LiveCalls;
}

/** A line as its caller asks for it now, in a call. */
export interface LineCall {
  /** The caller's own plan. */
  readonly request: RequestSnapshot;
  /** From 0. */
  readonly line: number;
  readonly said: PlanLine;
}

/** Runs the lines of approved plans, each in the call that asks for it: once, in order, and exactly as it was approved. */
export class Plans {
  readonly #parts: PlansParts;
  /** Plans of which a line is at work. */
  readonly #busy = new Set<string>();

  constructor(parts: PlansParts) {
    this.#parts = parts;
  }

  /** Whether a line of a plan is at work. */
  isAtWork(requestId: string): boolean {
    return this.#busy.has(requestId);
  }

  /**
   * Runs one line; `done` comes last.
   *
   * @throws {CountersignError} why it was not begun: `digest_mismatch`, `out_of_order`, and as `RequestBook.beginLine`.
   */
  async run(call: LineCall, viewer: Viewer): Promise<void> {
    const { requestId } = call.request.binding;
    requireSameLine(call);
    if (this.#busy.has(requestId)) {
      const message = "A line of the plan is at work. Run the lines one after the other.";
      throw new CountersignError("out_of_order", message, { retryable: true, requestId });
    }
    this.#busy.add(requestId);
    try {
      await this.#run(call, viewer);
    } finally {
      this.#busy.delete(requestId);
    }
  }

  async #run({ request, line, said }: LineCall, viewer: Viewer): Promise<void> {
    const { requests, live, writer, now, onStep } = this.#parts;
    const { requestId: id } = request.binding;
    const readOnly = await this.#mayBegin(request, line);
    // Entered before it is claimed: a revocation from then on reaches it.
    using held = live.enter(id, request.action.principal, said.resource, viewer.signal, readOnly);
    const claimed = await requests.beginLine(id, request.requestDigest, writer, line);
    onStep("claimed", id);
    const events = new EventWriter(viewer, id, now);
    await events.add(0, decidedLine(claimed, line));
    await events.add(1, { $case: "executing", value: {} });
    let sequence = 1;
    const ended = await this.#dispatch(claimed, line, (chunk) => events.add(++sequence, chunkBody(chunk)), held.signal);
    const { permit, receipt } = ended;
    const { effect } = claimed.decision;
    const proof = receipt && permit && wireReceipt({ requestId: id, actionDigest: permit.actionDigest, effect }, receipt);
    await events.say(++sequence, { $case: "done", value: wireOutcome(ended.outcome, id, proof) });
  }

  /** Finds out before the claim whether the line may still run. Gives whether it only reads. */
  async #mayBegin(request: RequestSnapshot, line: number): Promise<boolean> {
    // What is not approved, or has ended, the control plane refuses by its own words.
    if (request.state !== "approved" && request.state !== "executing") return false;
    const refusal = lineRefusal(request, line);
    if (refusal !== undefined)
      throw new CountersignError(refusal.code, refusal.message, { requestId: request.binding.requestId });
    try {
      return (await this.#permit(request, line)).readOnly;
    } catch (error) {
      if (error instanceof CountersignError && error.code === "revoked") await this.#void(request, error.message);
      throw error;
    }
  }

  /** Policy decides differently by now: nothing that is left of the plan runs. */
  async #void(request: RequestSnapshot, message: string): Promise<void> {
    const { replacing, requests } = this.#parts;
    if (request.state === "approved") {
      await replacing.redecide(request);
      return;
    }
    const outcome: Outcome = {
      ...{ state: "cancelled", failure: { code: "revoked", message, retryable: false } },
      ...{ rows: 0, bytes: 0, durationMs: 0 },
    };
    // It may have ended in this very moment; that stands.
    await requests.settle(request.binding.requestId, { outcome, by: "policy", resultEvents: 0 }).catch(() => {});
  }

  async #dispatch(
    claimed: RequestSnapshot,
    line: number,
    sink: ResultSink,
    signal: AbortSignal,
  ): Promise<Dispatched & { readonly permit?: Permit }> {
    const { requests, resources, onStep } = this.#parts;
    const { requestId: id } = claimed.binding;
    let ended: Dispatched & { readonly permit?: Permit };
    try {
      const permit = await this.#permit(claimed, line);
      const { connector } = resources.get(permit.action.resource);
      const confirm = async () => void (await this.#permit(claimed, line));
      ended = { ...(await dispatch(permit, connector, this.#parts, sink, { signal, confirm })), permit };
    } catch (error) {
      ended = { outcome: notDispatched(error, signal), dispatched: false };
    }
    // A line that was begun cannot be cancelled any more: it failed, and its failure says that nothing ran.
    const outcome: Outcome = ended.outcome.state === "cancelled" ? { ...ended.outcome, state: "failed" } : ended.outcome;
    if (ended.dispatched) onStep("outcome", id);
    await conclude(ended, this.#parts, () => requests.endLine(id, line, outcome));
    return { ...ended, outcome };
  }

  async #permit(request: RequestSnapshot, line: number): Promise<Permit> {
    return linePermit(request, await this.#finding(request, line), this.#parts);
  }

  async #finding(request: RequestSnapshot, line: number): Promise<LineFinding> {
    const { asking, audit } = this.#parts;
    const found = await asking.examineLine(request, line);
    return { ...found, line, recorded: recordedPlan(await audit.recordsOf(request.binding.requestId)) };
  }
}

/** @throws {CountersignError} `digest_mismatch` for anything but the approved line. */
function requireSameLine({ request, line, said }: LineCall): void {
  const { requestId } = request.binding;
  const approved = lineAction(request.action, line);
  if (approved === undefined) throw new CountersignError("invalid_request", `The plan has no line ${line + 1}.`, { requestId });
  const { operation, resource } = said;
  if (actionDigest({ ...approved, operation, resource }) === actionDigest(approved)) return;
  const message = `This is not line ${line + 1} of the plan as it was approved, so it did not run. Run the line unchanged, or ask for this as a request of its own.`;
  throw new CountersignError("digest_mismatch", message, { requestId });
}

/** What was decided on a line, as the first thing that its caller hears. */
function decidedLine({ action, decision, binding }: RequestSnapshot, line: number) {
  const approved = lineAction(action, line);
  const decided = decision.lines?.[line];
  if (approved === undefined || decided === undefined) throw new TypeError(`The plan has no line ${line + 1}`);
  return decidedEvent({ ...decided, policyDigest: binding.policyDigest }, false, actionDigest(approved));
}
