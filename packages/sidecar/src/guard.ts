import {
  type Allow,
  actionDigest,
  CountersignError,
  type Decision,
  type Facts,
  isOpaque,
  type PlanLine,
  type Principal,
  type RequestSnapshot,
  type RequestState,
  type Review,
} from "@countersign/policy";
import { type Asked, Asking, type AskingParts, actionOf, type OperationLimits } from "./asking.ts";
import type { Call } from "./call.ts";
import { type CallerBounds, CallerLimits } from "./caller-limits.ts";
import { EventWriter, type Viewer } from "./event-writer.ts";
import { Gathering, type GatheringParts } from "./evidence/gathering.ts";
import { Granting, type GrantingParts } from "./granting.ts";
import { type HeldParts, HeldRequests } from "./held-requests.ts";
import { Immediate } from "./immediate.ts";
import { LiveCalls } from "./live-calls.ts";
import { NativeGate, type NativeGateParts } from "./native/native-gate.ts";
import type { NativeCaller, OwnConnection } from "./native/own-connection.ts";
import { OwnConnections } from "./native/own-connections.ts";
import { type AskedPlan, isOpaquePlan, type PlanCall } from "./plan/asked-plan.ts";
import { Plans } from "./plan/plans.ts";
import { Refusals } from "./refusals.ts";
import { Replacing } from "./replacing.ts";
import { decidedEvent, wireOutcome } from "./wire.ts";

/** What the guard needs. */
export interface GuardParts
  extends Omit<HeldParts, "examine" | "way" | "replacing" | "gathering">,
    Omit<AskingParts, "connections">,
    Pick<NativeGateParts, "passages">,
    GrantingParts {
  readonly evidence: GatheringParts["evidence"];
  readonly limits: GuardLimits;
}

/** Bounds on what a caller may send or leave waiting. */
export interface GuardLimits extends OperationLimits, CallerBounds {}

/**
 * The product: authenticate → operation → facts → decide → (hold) → claim → record intent → execute → record outcome → receipt.
 * gRPC calls and native connections both go through it.
 */
export class Guard {
  readonly #parts: GuardParts;
  readonly #asking: Asking;
  readonly #replacing: Replacing;
  readonly #gathering: Gathering;
  readonly #held: HeldRequests;
  readonly #live = new LiveCalls();
  readonly #connections = new OwnConnections();
  readonly #refusals: Refusals;
  readonly #callers: CallerLimits;
  readonly #immediate: Immediate;
  readonly #plans: Plans;
  readonly #following: Disposable;

  constructor(parts: GuardParts) {
    this.#asking = new Asking({ ...parts, connections: this.#connections });
    this.#parts = parts;
    this.#replacing = new Replacing({ ...parts, asking: this.#asking });
    this.#gathering = new Gathering({ ...parts, asking: this.#asking, connections: this.#connections });
    this.#held = new HeldRequests({
      ...parts,
      gathering: this.#gathering,
      replacing: this.#replacing,
      examine: (request) => this.#asking.examine(request),
      way: ({ operation, principal, resource }) =>
        this.#connections.of(operation, principal)?.own ?? parts.resources.get(resource).connector,
    });
    this.#refusals = new Refusals(parts);
    this.#callers = new CallerLimits(parts.limits, parts.now);
    const granting = new Granting(parts);
    this.#immediate = new Immediate({ ...parts, asking: this.#asking, granting, refusals: this.#refusals, live: this.#live });
    this.#plans = new Plans({ ...parts, asking: this.#asking, replacing: this.#replacing, live: this.#live });
    this.#following = parts.revocations.onRevoked((revocation) => {
      this.#connections.revoke(revocation);
      this.#live.revoke(revocation);
      this.#held.revoke(revocation);
    });
  }

  /** What policy would decide; advice, nothing is recorded. */
  async check(call: Call): Promise<{ decision: Decision; facts: Facts; actionDigest: string }> {
    const flood = this.#callers.refusal(call.principal);
    if (flood !== undefined) return this.#refuseFlood(call, flood);
    const { call: asked, resource, facts, decision } = await this.#asking.ask(call);
    return { decision, facts, actionDigest: decision.effect === "deny" ? "" : actionDigest(actionOf(asked, resource, decision)) };
  }

  /** Runs an action for a caller who stays: events and result go to the viewer, `done` last. */
  async execute(call: Call, viewer: Viewer): Promise<void> {
    const asked = await this.#orRefuse(call, () => this.#asking.ask(call));
    const { decision } = asked;
    if (decision.effect === "deny") return this.#deny(asked, decision.message, viewer);
    if (decision.effect === "allow" && call.idempotencyKey === undefined) return this.#immediate.allowed(asked, decision, viewer);
    if (
      decision.effect === "review" &&
      call.idempotencyKey === undefined &&
      (await this.#immediate.granted(asked, decision, viewer))
    )
      return;
    await this.#held.view(await this.#hold(asked, decision), viewer, 0);
  }

  /**
   * Takes the connection of an unmodified client: each of its operations goes through the gate.
   *
   * @throws {CountersignError} `unknown_resource`; `revoked` when the caller or the resource is locked.
   */
  native(caller: NativeCaller, own: OwnConnection): NativeGate {
    const { name } = this.#parts.resources.get(caller.resource);
    const refusal = this.#parts.revocations.refusal({ principal: caller.principal, resource: name });
    if (refusal !== undefined) throw new CountersignError("revoked", refusal);
    const { passages, now, random } = this.#parts;
    const parts: NativeGateParts = {
      ...{ asking: this.#asking, immediate: this.#immediate, refusals: this.#refusals, callers: this.#callers },
      ...{ passages, now, random, masks: own.masks === true },
      hold: (asked, decision) => this.#hold(asked, decision),
      view: (request, viewer) => this.#held.view(request, viewer, 0),
    };
    return new NativeGate(parts, caller, this.#connections.enter(caller, own));
  }

  /** Opens a durable request; it runs when it is approved, whether or not anybody watches. */
  async submit(call: Call): Promise<{ decision: Decision; facts: Facts; request?: RequestSnapshot }> {
    const asked = await this.#orRefuse(call, () => this.#asking.ask({ ...call, durable: true }));
    const { decision, facts } = asked;
    if (decision.effect === "deny") {
      await this.#refusals.record(call, "denied", decision.message, decision);
      return { decision, facts };
    }
    return { decision, facts, request: await this.#hold(asked, decision) };
  }

  /**
   * Opens a plan, which is durable; its lines run when it is approved and its caller says so.
   *
   * @throws {CountersignError} what a call would be refused with, for any of the lines; the message names it.
   */
  async submitPlan(call: PlanCall): Promise<{ decision: Decision; opaque: boolean; request?: RequestSnapshot }> {
    const asked = await this.#orRefuse(call, () => this.#asking.askPlan(call));
    const { decision } = asked;
    const opaque = isOpaquePlan(asked);
    if (decision.effect !== "deny") return { decision, opaque, request: await this.#hold(asked, decision) };
    await this.#refusals.record(call, "denied", decision.message, decision);
    return { decision, opaque };
  }

  /**
   * The caller's own plan as it stands, or what has taken its place.
   *
   * @throws {CountersignError} `not_found`, `invalid_request` when it is no plan.
   */
  async plan(principal: Principal, id: string): Promise<RequestSnapshot> {
    const request = await this.#own(principal, id);
    if (request.action.operation.kind !== "plan") {
      throw new CountersignError("invalid_request", "The request is no plan.", { requestId: id });
    }
    const next = request.outcome?.replacedBy;
    return next === undefined ? request : this.plan(principal, next);
  }

  /**
   * Runs a line of the caller's own approved plan, from 0, in the call itself. A refusal is recorded.
   *
   * @throws {CountersignError} as `Plans.run`.
   */
  async executeLine(principal: Principal, id: string, line: number, said: PlanLine, viewer: Viewer): Promise<void> {
    const asked: Call = { ...said, principal, reason: "", session: "", durable: true };
    await this.#counted(asked, async () => {
      const request = await this.plan(principal, id);
      const { reason, session } = request;
      const run = () => this.#plans.run({ request, line, said }, viewer);
      await this.#recorded({ ...asked, reason, session }, run, request.binding.requestId);
    });
  }

  /**
   * Tells a viewer about its own request, and what takes its place, from a sequence on, to its end.
   *
   * @throws {CountersignError} `not_found`.
   */
  async watch(principal: Principal, id: string, afterSequence: number, viewer: Viewer): Promise<void> {
    await this.#held.view(await this.#own(principal, id), viewer, afterSequence);
  }

  /**
   * Cancels the caller's own request, or what took its place, or its running call.
   *
   * @throws {CountersignError} `not_found`, `not_cancellable`.
   */
  async cancel(principal: Principal, id: string): Promise<RequestState> {
    const isCall = !this.#plans.isAtWork(id);
    if (this.#live.cancel(id, principal) && isCall) return "executing";
    const request = await this.#own(principal, id, "cancel");
    return this.#held.cancel(request, principal.subject);
  }

  /**
   * The request that a held one would become with another operation. Nothing is stored; the control plane puts it in the old one's place.
   *
   * @throws {CountersignError} `denied` when policy refuses it, and what a call would be refused with.
   */
  redraft(...edit: Parameters<Replacing["redraft"]>): ReturnType<Replacing["redraft"]> {
    return this.#replacing.redraft(...edit);
  }

  /** Another policy is in force: what is held is asked about again, off everybody else's way. */
  policyChanged(): void {
    this.#held.policyChanged();
  }

  /** Takes up a request that was open when the sidecar stopped. */
  resume(request: RequestSnapshot): void {
    this.#held.hold(request);
  }

  /** Lets go of everything that is held and stops what runs; held requests stay as they are. */
  async close(): Promise<void> {
    this.#connections.cutAll();
    this.#live.abortAll();
    await Promise.all([this.#gathering.close(), this.#held.close()]);
    await this.#live.settled();
    this.#following[Symbol.dispose]();
  }

  async #refuseFlood(call: Call, message: string): Promise<never> {
    const refused = this.#callers.refused(call.principal);
    if (refused > 0) await this.#refusals.recordFlood(call, refused);
    throw new CountersignError("too_many_requests", message, { retryable: true });
  }

  /** Does work for a caller, and records what it is refused with. */
  #orRefuse<Result>(call: Call, work: () => Promise<Result>): Promise<Result> {
    return this.#counted(call, () => this.#recorded(call, work));
  }

  /** A call is counted before anything is done about it, whatever becomes of it. */
  async #counted<Result>(call: Call, work: () => Promise<Result>): Promise<Result> {
    const flood = this.#callers.refusal(call.principal);
    return flood === undefined ? work() : this.#refuseFlood(call, flood);
  }

  async #recorded<Result>(call: Call, work: () => Promise<Result>, requestId?: string): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CountersignError) await this.#refusals.record(call, error.code, error.message, undefined, requestId);
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

  /** Opens a request (or finds the one of the same idempotency key) and starts following it. */
  async #hold(asked: Asked | AskedPlan, decision: Allow | Review): Promise<RequestSnapshot> {
    const { call } = asked;
    const open = this.#held.countOf(call.principal);
    const held = await this.#callers.opening(call.principal, open, async () => {
      const request = await this.#parts.requests.open(
        this.#asking.draft(asked, decision),
        "lines" in asked ? undefined : await this.#immediate.covering(asked, decision),
      );
      this.#held.hold(request);
      return request;
    });
    return "opened" in held ? held.opened : this.#refuseFlood(call, held.refusal);
  }

  /** @param what is recorded when somebody tries it on a request that is not theirs. */
  async #own(principal: Principal, id: string, what?: "cancel"): Promise<RequestSnapshot> {
    const [request] = await this.#parts.requests.list({ id });
    const owner = request?.action.principal;
    if (request === undefined || owner?.issuer !== principal.issuer || owner.subject !== principal.subject) {
      if (request !== undefined && what !== undefined) await this.#refusals.recordStranger(principal, request, what);
      throw new CountersignError("not_found", "You have no request of that id.", { requestId: id });
    }
    return request;
  }
}
