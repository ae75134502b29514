import {
  type Allow,
  actionDigest,
  CountersignError,
  type Decision,
  type Facts,
  isOpaque,
  isReadOnly,
  newRequestId,
  type Principal,
  type RequestSnapshot,
  type RequestState,
  type Review,
} from "@countersign/policy";
import { type Asked, Asking, type AskingParts, actionOf, type OperationLimits } from "./asking.ts";
import type { Call } from "./call.ts";
import { dispatch } from "./dispatch.ts";
import { EventWriter, type Viewer } from "./event-writer.ts";
import { LiveCalls } from "./live-calls.ts";
import { Refusals } from "./refusals.ts";
import { replay } from "./replay.ts";
import { chunkBody } from "./request-events.ts";
import { Run, type RunParts } from "./run.ts";
import { decidedEvent, wireOutcome, wireReceipt } from "./wire.ts";

/** What the guard needs. */
export interface GuardParts extends Omit<RunParts, "examine" | "connector">, AskingParts {
  readonly limits: GuardLimits;
}

/** Bounds on what a caller may send or leave waiting. */
export interface GuardLimits extends OperationLimits {
  readonly pendingPerPrincipal: number;
}

/**
 * The product: authenticate → operation → facts → decide → (hold) → claim → record intent → execute → record outcome → receipt.
 * gRPC calls and native connections both go through it.
 */
export class Guard {
  readonly #parts: GuardParts & RunParts;
  readonly #asking: Asking;
  readonly #runs = new Map<string, Run>();
  /** How many requests each principal has open. */
  readonly #open = new Map<string, number>();
  readonly #live = new LiveCalls();
  readonly #refusals: Refusals;
  readonly #following: Disposable;

  constructor(parts: GuardParts) {
    this.#asking = new Asking(parts);
    this.#parts = {
      ...parts,
      examine: (request) => this.#asking.examine(request),
      connector: (name) => parts.resources.get(name).connector,
    };
    this.#refusals = new Refusals(parts);
    this.#following = parts.revocations.onRevoked((revocation) => {
      this.#live.revoke(revocation);
      for (const run of this.#runs.values()) run.revoke(revocation);
    });
  }

  /** What policy would decide; advice, nothing is recorded. */
  async check(call: Call): Promise<{ decision: Decision; facts: Facts; actionDigest: string }> {
    const { resource, facts, decision } = await this.#asking.ask(call);
    return { decision, facts, actionDigest: decision.effect === "deny" ? "" : actionDigest(actionOf(call, resource, decision)) };
  }

  /** Runs an action for a caller who stays: events and result go to the viewer, `done` last. */
  async execute(call: Call, viewer: Viewer): Promise<void> {
    const asked = await this.#askOrRefuse(call);
    const { decision } = asked;
    if (decision.effect === "deny") return this.#deny(asked, decision.message, viewer);
    if (decision.effect === "allow" && call.idempotencyKey === undefined) return this.#runNow(asked, decision, viewer);
    const { run } = await this.#hold(asked, decision);
    await run.attach(viewer, 0);
  }

  /** Opens a durable request; it runs when it is approved, whether or not anybody watches. */
  async submit(call: Call): Promise<{ decision: Decision; facts: Facts; request?: RequestSnapshot }> {
    const asked = await this.#askOrRefuse({ ...call, durable: true });
    const { decision, facts } = asked;
    if (decision.effect === "deny") {
      await this.#refusals.record(call, "denied", decision.message, decision);
      return { decision, facts };
    }
    const { request } = await this.#hold(asked, decision);
    return { decision, facts, request };
  }

  /**
   * Tells a viewer about its own request, from a sequence on, to its end.
   *
   * @throws {CountersignError} `not_found`.
   */
  async watch(principal: Principal, id: string, afterSequence: number, viewer: Viewer): Promise<void> {
    const run = this.#runs.get(id);
    if (run?.belongsTo(principal)) return run.attach(viewer, afterSequence);
    const request = await this.#own(principal, id);
    await replay(request, this.#parts, viewer, afterSequence);
  }

  /**
   * Cancels the caller's own request or running call.
   *
   * @throws {CountersignError} `not_found`, `not_cancellable`.
   */
  async cancel(principal: Principal, id: string): Promise<RequestState> {
    if (this.#live.cancel(id, principal)) return "executing";
    const run = this.#runs.get(id);
    if (run?.belongsTo(principal)) return run.cancel(principal.subject);
    await this.#own(principal, id);
    throw new CountersignError("not_cancellable", "The request has ended.", { requestId: id });
  }

  /** Takes up a request that was open when the sidecar stopped. */
  resume(request: RequestSnapshot): void {
    this.#start(request);
  }

  /** Lets go of everything that is held and stops what runs; held requests stay as they are. */
  async close(): Promise<void> {
    this.#live.abortAll();
    await Promise.all([...this.#runs.values()].map((run) => run.close()));
    await this.#live.settled();
    this.#following[Symbol.dispose]();
  }

  async #askOrRefuse(call: Call): Promise<Asked> {
    try {
      return await this.#asking.ask(call);
    } catch (error) {
      if (error instanceof CountersignError) await this.#refusals.record(call, error.code, error.message);
      throw error;
    }
  }

  async #deny(asked: Asked, message: string, viewer: Viewer): Promise<void> {
    const id = await this.#refusals.record(asked.call, "denied", message, asked.decision);
    const events = new EventWriter(viewer, id, this.#parts.now);
    await events.add(0, decidedEvent(asked.decision, isOpaque(asked.facts), ""));
    const failure = { code: "denied", message, retryable: false } as const;
    await events.say(1, {
      $case: "done",
      value: wireOutcome({ state: "denied", failure, rows: 0, bytes: 0, durationMs: 0 }, id, undefined),
    });
  }

  /** An allowed action, run in the call itself: no request is stored, the log holds its intent and its outcome. */
  async #runNow(asked: Asked, allow: Allow, viewer: Viewer): Promise<void> {
    const parts = this.#parts;
    const { call, resource, facts, decision } = asked;
    const id = newRequestId(parts.now(), parts.random(16));
    const what = actionOf(call, resource, allow);
    const digest = actionDigest(what);
    const permit = {
      id,
      action: what,
      actionDigest: digest,
      policyDigest: allow.policyDigest,
      rules: allow.rules,
      limits: allow.limits,
      readOnly: isReadOnly(facts),
      source: { effect: "allow" as const, asked: call },
    };
    const events = new EventWriter(viewer, id, parts.now);
    await events.add(0, decidedEvent(decision, isOpaque(facts), digest));
    await events.add(1, { $case: "executing", value: {} });
    let sequence = 1;
    using live = this.#live.enter(id, call.principal, resource.name, viewer.signal, permit.readOnly);
    const ended = await dispatch(permit, resource.connector, parts, (chunk) => events.add(++sequence, chunkBody(chunk)), {
      signal: live.signal,
      confirm: () => this.#asking.confirm(asked),
    });
    const { outcome, receipt, unrecorded } = ended;
    if (ended.dispatched) parts.onStep("outcome", id);
    else await this.#refusals.record(call, outcome.failure?.code ?? "internal", outcome.failure?.message ?? "", decision, id);
    if (unrecorded !== undefined)
      await parts.persistence.attempt(() => parts.audit.append(parts.writer, [unrecorded], "durable"));
    const proof = receipt && wireReceipt({ requestId: id, actionDigest: digest, effect: "allow" }, receipt);
    await events.say(++sequence, { $case: "done", value: wireOutcome(outcome, id, proof) });
  }

  /** Opens a request (or finds the one of the same idempotency key) and starts following it. */
  async #hold(asked: Asked, decision: Allow | Review): Promise<{ run: Run; request: RequestSnapshot }> {
    const { requests, limits } = this.#parts;
    const { principal } = asked.call;
    if ((this.#open.get(nameOf(principal)) ?? 0) >= limits.pendingPerPrincipal) {
      const message = `${principal.subject} has ${limits.pendingPerPrincipal} requests waiting already; wait for some to end, or cancel them.`;
      await this.#refusals.record(asked.call, "too_many_requests", message, decision);
      throw new CountersignError("too_many_requests", message, { retryable: true });
    }
    const request = await requests.open(this.#asking.draft(asked, decision));
    return { run: this.#runs.get(request.binding.requestId) ?? this.#start(request), request };
  }

  #start(request: RequestSnapshot): Run {
    const run = new Run(request, this.#parts);
    const name = nameOf(request.action.principal);
    this.#runs.set(run.id, run);
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
    void run.ended.finally(() => {
      this.#runs.delete(run.id);
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
    });
    return run;
  }

  async #own(principal: Principal, id: string): Promise<RequestSnapshot> {
    const [request] = await this.#parts.requests.list({ id });
    const owner = request?.action.principal;
    if (request === undefined || owner?.issuer !== principal.issuer || owner.subject !== principal.subject) {
      throw new CountersignError("not_found", "You have no request of that id.", { requestId: id });
    }
    return request;
  }
}

function nameOf({ issuer, subject }: Pick<Principal, "issuer" | "subject">): string {
  return JSON.stringify([issuer, subject]);
}
