import {
  type Action,
  type Allow,
  actionDigest,
  CountersignError,
  type Decision,
  type Facts,
  isReadOnly,
  newRequestId,
  type Policy,
  type Predecessor,
  type Principal,
  type RequestDraft,
  type RequestSnapshot,
  type Review,
  requestDigest,
} from "@countersign/policy";
import type { Call } from "./call.ts";
import type { Classifier } from "./classifier.ts";
import { Granting, type GrantingParts } from "./granting.ts";
import type { OwnConnections } from "./native/own-connections.ts";
import { type Finding, requireSameTerms } from "./permit.ts";
import {
  type AskedPlan,
  actionOfPlan,
  askPlan,
  factsOfPlan,
  isPlanCall,
  isReadOnlyLine,
  type PlanCall,
  type Settled,
  settledLines,
} from "./plan/asked-plan.ts";
import type { Pinning } from "./protocols/connector.ts";
import type { GuardedResource, Resources } from "./resources.ts";
import type { Understood } from "./understood.ts";

/** Bounds on an operation, bytes. */
export interface OperationLimits {
  readonly statementBytes: number;
  readonly parameterBytes: number;
}

/** What is needed to find out about a call. */
export interface AskingParts extends GrantingParts {
  readonly resources: Resources;
  readonly classifier: Classifier;
  /** The connections of unmodified clients. */
  readonly connections: Pick<OwnConnections, "of">;
  readonly policy: () => Policy;
  readonly limits: OperationLimits;
  /** Unguessable bytes, each given out once. */
  readonly random: (size: number) => Buffer;
  readonly now: () => number;
  /** The name under which this sidecar opens requests. */
  readonly writer: string;
}

/** A call with all that was found out about it. */
export interface Asked extends Understood {
  readonly decision: Decision;
}

/** So long may be looked up what an operation means, milliseconds. */
const pinMs = 10_000;

/** How long an allowed request, which waits for nobody, may wait and stay approved. */
const allowedRequestMs = 5 * 60_000;

/** Finds out about calls: operation → facts → decision, and the request that a held one becomes. */
export class Asking {
  readonly #parts: AskingParts;
  readonly #granting: Granting;

  constructor(parts: AskingParts) {
    this.#parts = parts;
    this.#granting = new Granting(parts);
  }

  /** @throws {CountersignError} `unknown_resource`, `revoked`, and as `classify`. */
  async ask(call: Call): Promise<Asked> {
    return this.askNow(call);
  }

  /**
   * As {@link ask}, at once where the operation is read promptly.
   *
   * @throws as {@link ask}.
   */
  askNow(call: Call): Asked | Promise<Asked> {
    const understood = this.#understand(call);
    if (understood instanceof Promise) return understood.then(async (one) => this.#asked(await this.#pinned(one)));
    const pinned = this.#pinned(understood);
    return pinned instanceof Promise ? pinned.then((one) => this.#asked(one)) : this.#asked(pinned);
  }

  /**
   * As {@link askNow}, of a statement whose values are not known yet: no fact depends on them.
   *
   * @throws as {@link ask}.
   */
  askUnbound(call: Call): Asked | Promise<Asked> {
    const understood = this.#understand(call, { unbound: true });
    return understood instanceof Promise ? understood.then((one) => this.#asked(one)) : this.#asked(understood);
  }

  /** Whether a decision on something of a caller is that of the policy in force, and nothing of the caller's was locked since. */
  isCurrent({ policyDigest }: Decision, about: { readonly principal: Principal; readonly resource: string }): boolean {
    const { policy, revocations } = this.#parts;
    return policy().digest === policyDigest && revocations.refusal(about) === undefined;
  }

  /** @throws {CountersignError} as `askPlan`. */
  askPlan(call: PlanCall, settled?: Settled): Promise<AskedPlan> {
    const { policy, now } = this.#parts;
    const decide = (lines: readonly Understood[]) => {
      const [current, nowMs] = [policy(), now()];
      return lines.map((line) => this.#decide(line, current, nowMs));
    };
    const understand = async (line: Call) => {
      const understood = await this.#understand(line);
      requireExact(understood);
      return understood;
    };
    return askPlan(call, { understand, decide }, settled);
  }

  /** Asks anew about what a request was opened for. */
  async again(request: RequestSnapshot): Promise<Asked | AskedPlan> {
    const call = callOf(request);
    return isPlanCall(call) ? this.askPlan(call) : this.ask(call);
  }

  #asked(understood: Understood): Asked {
    const { call, resource, facts, way, role } = understood;
    return { call, resource, facts, way, role, decision: this.#decide(understood, this.#parts.policy(), this.#parts.now()) };
  }

  #decide({ call, resource, facts, role }: Understood, policy: Policy, nowMs: number): Decision {
    const { principal, reason } = call;
    return policy.decide(
      role === undefined ? { resource, principal, facts, reason, nowMs } : { resource, principal, facts, reason, nowMs, role },
    );
  }

  #understand(call: Call, values: { readonly unbound?: true } = {}): Understood | Promise<Understood> {
    const { classifier, resources, revocations, limits, connections } = this.#parts;
    const resource = resources.get(call.resource);
    const refusal = revocations.refusal({ principal: call.principal, resource: resource.name });
    if (refusal !== undefined) throw new CountersignError("revoked", refusal);
    const client = connections.of(call.operation, call.principal);
    const serverVersion = client?.own.serverVersion;
    const found = classifier.classify(call.operation, {
      ...(serverVersion !== undefined && { serverVersion }),
      searchPath: resource.searchPath ?? [],
      ...(resource.api && { http: resource.api.current }),
      maxStatementBytes: limits.statementBytes,
      maxParameterBytes: limits.parameterBytes,
      ...values,
    });
    const understood = (facts: Facts): Understood => {
      if (client !== undefined) {
        client.own.accept?.(call.operation, facts);
        return { call, resource, facts, way: client.own, role: client.caller.role };
      }
      resource.connector.accept(call.operation, facts);
      return { call, resource, facts, way: resource.connector, role: undefined };
    };
    return found instanceof Promise ? found.then(understood) : understood(found);
  }

  /**
   * With what the operation means on the target now, where its words alone do not say it. What policy refuses already is not looked up.
   *
   * @throws {CountersignError} as `Pinning.complete`.
   */
  #pinned(understood: Understood): Understood | Promise<Understood> {
    const { call, resource, facts } = understood;
    const { pinning } = resource.connector;
    if (pinning?.lacks(call.operation, facts) === undefined) return understood;
    const decision = this.#decide(understood, this.#parts.policy(), this.#parts.now());
    if (decision.effect === "deny") return understood;
    return this.#complete(call, pinning, decision.role);
  }

  async #complete(call: Call, pinning: Pinning, role: string): Promise<Understood> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), pinMs);
    const operation = await pinning.complete(call.operation, role, late.signal).finally(() => clearTimeout(timer));
    const understood = await this.#understand({ ...call, operation });
    requireExact(understood);
    return understood;
  }

  /**
   * Makes sure that what was decided still holds, if another policy is in force by now.
   *
   * @throws {CountersignError} `revoked` when it decides differently.
   */
  confirm(asked: Asked): void {
    const policy = this.#parts.policy();
    if (policy.digest === asked.decision.policyDigest) return;
    requireSameTerms(asked.decision, this.#decide(asked, policy, this.#parts.now()));
  }

  /** The request that a call becomes when it is held. */
  draft(asked: Asked | AskedPlan, decision: Allow | Review, replaces?: Predecessor): RequestDraft {
    const { now, random, writer } = this.#parts;
    const nowMs = now();
    const { call } = asked;
    const isPlan = "lines" in asked;
    const what = isPlan ? actionOfPlan(asked) : actionOf(call, asked.resource, decision);
    const [expiresMs, validForMs] =
      decision.effect === "review"
        ? [decision.approval.expiresMs, decision.approval.validForMs]
        : [allowedRequestMs, allowedRequestMs];
    const binding = {
      requestId: newRequestId(nowMs, random(16)),
      actionDigest: actionDigest(what),
      policyDigest: decision.policyDigest,
      limits: decision.limits,
      expiry: { pendingUntilMs: nowMs + expiresMs, validForMs },
      nonce: random(16).toString("base64url"),
    };
    const { claims, owner } = call.principal;
    return {
      binding,
      requestDigest: requestDigest(binding),
      action: what,
      decision,
      facts: isPlan ? factsOfPlan(asked) : JSON.parse(JSON.stringify(asked.facts)),
      claims,
      ...(owner === undefined ? {} : { owner }),
      hidingSalt: random(16).toString("base64url"),
      reason: call.reason,
      session: call.session,
      ...(call.idempotencyKey === undefined ? {} : { idempotencyKey: call.idempotencyKey }),
      durable: call.durable,
      sidecar: writer,
      ...(replaces === undefined ? {} : { replaces }),
    };
  }

  /** As {@link examine}, for one line of a plan, from 0. What ran before it, or was struck out, does not run again and is not asked about. */
  async examineLine(request: RequestSnapshot, line: number): Promise<Finding> {
    const call = callOf(request);
    if (!isPlanCall(call)) throw new CountersignError("invalid_request", "It is no plan.");
    const asked = await this.askPlan(call, settledLines(request, line));
    const { decision } = asked;
    const action = decision.effect === "deny" ? request.action : actionOfPlan(asked);
    return { action, decision, readOnly: isReadOnlyLine(asked, line) };
  }

  /** Asks policy again about a stored request, from its operation, not from what was found out then. */
  async examine(request: RequestSnapshot): Promise<Finding> {
    const asked = await this.ask(callOf(request));
    // A denial has no role; permitOf refuses it before the action matters.
    const role = asked.decision.effect === "deny" ? request.action.role : asked.decision.role;
    const what = { ...request.action, role, target: asked.resource.connector.target(role) };
    const { decision, facts } = asked;
    const finding = { action: what, decision, readOnly: isReadOnly(facts) };
    if (request.grant === undefined || decision.effect === "deny") return finding;
    const { owner } = request;
    const about = { action: what, facts, decision, ...(owner === undefined ? {} : { owner }) };
    return { ...finding, covered: await this.#granting.stillCovers(request.grant, about) };
  }
}

/**
 * A line of a plan runs as its caller has written it, so that nothing is added to it.
 *
 * @throws {CountersignError} `invalid_operation` when the words of an operation do not say all that it means.
 */
function requireExact({ call, resource, facts }: Understood): void {
  const lacking = resource.connector.pinning?.lacks(call.operation, facts);
  if (lacking !== undefined) throw new CountersignError("invalid_operation", `The operation does not name ${lacking}.`);
}

/** The call that a request was opened for, without its idempotency key: that names this request alone. */
export function callOf({ action, claims, owner, reason, session, durable }: RequestSnapshot): Call {
  const { operation, principal, resource } = action;
  return {
    principal: { ...principal, claims, ...(owner === undefined ? {} : { owner }) },
    ...{ operation, resource, reason, session, durable },
  };
}

/** What is approved: the operation with all that it is tied to. */
export function actionOf(call: Call, resource: GuardedResource, decision: Allow | Review): Action {
  const { issuer, subject, groups } = call.principal;
  const { role } = decision;
  return {
    operation: call.operation,
    resource: resource.name,
    target: resource.connector.target(role),
    principal: { issuer, subject, groups },
    role,
  };
}
