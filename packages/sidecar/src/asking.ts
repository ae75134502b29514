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
  type RequestDraft,
  type RequestSnapshot,
  type Review,
  type Revocations,
  requestDigest,
} from "@countersign/policy";
import type { Call } from "./call.ts";
import type { Classifier } from "./classifier.ts";
import { type Evidence, requireSameTerms } from "./permit.ts";
import type { GuardedResource, Resources } from "./resources.ts";

/** Bounds on an operation, bytes. */
export interface OperationLimits {
  readonly statementBytes: number;
  readonly parameterBytes: number;
}

/** What is needed to find out about a call. */
export interface AskingParts {
  readonly resources: Resources;
  readonly classifier: Classifier;
  readonly policy: () => Policy;
  readonly revocations: Revocations;
  readonly limits: OperationLimits;
  /** Unguessable bytes, each given out once. */
  readonly random: (size: number) => Buffer;
  readonly now: () => number;
  /** The name under which this sidecar opens requests. */
  readonly writer: string;
}

/** A call with all that was found out about it. */
export interface Asked {
  readonly call: Call;
  readonly resource: GuardedResource;
  readonly facts: Facts;
  readonly decision: Decision;
}

/** How long an allowed request, which waits for nobody, may wait and stay approved. */
const allowedRequestMs = 5 * 60_000;

/** Finds out about calls: operation → facts → decision, and the request that a held one becomes. */
export class Asking {
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** @throws {CountersignError} `unknown_resource`, `revoked`, and as `classify`. */
  async ask(call: Call): Promise<Asked> {
    const { classifier, policy, resources, revocations, limits, now } = this.#parts;
    const resource = resources.get(call.resource);
    const refusal = revocations.refusal({ principal: call.principal, resource: resource.name });
    if (refusal !== undefined) throw new CountersignError("revoked", refusal);
    const found = classifier.classify(call.operation, {
      searchPath: resource.searchPath,
      maxStatementBytes: limits.statementBytes,
      maxParameterBytes: limits.parameterBytes,
    });
    const facts = found instanceof Promise ? await found : found;
    resource.connector.accept(call.operation, facts);
    const decision = policy().decide({ resource, principal: call.principal, facts, reason: call.reason, nowMs: now() });
    return { call, resource, facts, decision };
  }

  /**
   * Makes sure that what was decided still holds, if another policy is in force by now.
   *
   * @throws {CountersignError} `revoked` when it decides differently.
   */
  confirm({ call, resource, facts, decision }: Asked): void {
    const policy = this.#parts.policy();
    if (policy.digest === decision.policyDigest) return;
    const { principal, reason } = call;
    requireSameTerms(decision, policy.decide({ resource, principal, facts, reason, nowMs: this.#parts.now() }));
  }

  /** The request that a call becomes when it is held. */
  draft({ call, resource, facts }: Asked, decision: Allow | Review, replaces?: Predecessor): RequestDraft {
    const { now, random, writer } = this.#parts;
    const nowMs = now();
    const what = actionOf(call, resource, decision);
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
      facts: JSON.parse(JSON.stringify(facts)),
      claims,
      ...(owner === undefined ? {} : { owner }),
      reason: call.reason,
      session: call.session,
      ...(call.idempotencyKey === undefined ? {} : { idempotencyKey: call.idempotencyKey }),
      durable: call.durable,
      sidecar: writer,
      ...(replaces === undefined ? {} : { replaces }),
    };
  }

  /** Asks policy again about a stored request, from its operation, not from what was found out then. */
  async examine(request: RequestSnapshot): Promise<Evidence> {
    const asked = await this.ask(callOf(request));
    // A denial has no role; permitOf refuses it before the action matters.
    const role = asked.decision.effect === "deny" ? request.action.role : asked.decision.role;
    const what = { ...request.action, role, target: asked.resource.connector.target(role) };
    return { action: what, decision: asked.decision, readOnly: isReadOnly(asked.facts) };
  }
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
