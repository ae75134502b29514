import { Effect, type Decision as WireDecision, type Limits as WireLimits } from "@countersign/rpc";

/** Bounds on a result; absent = not limited by policy. */
export interface Limits {
  readonly rows?: number;
  readonly bytes?: number;
  /** From dispatch to the end of the result. */
  readonly timeMs?: number;
}

/** What policy says about one action. */
export interface Decision {
  readonly effect: "allow" | "deny" | "review";
  /** Ids of the rules that made it; empty = no rule matched, which denies. */
  readonly rules: readonly string[];
  /** Which of the resource's credentials is used; empty when denied. */
  readonly role: string;
  readonly limits: Limits;
  /** What the rule's author wants the agent to be told; may be empty. */
  readonly message: string;
  /** `sha256:<hex>`. */
  readonly policyDigest: string;
  /** Whether the operation was not fully understood. */
  readonly opaque: boolean;
}

const effects: Record<number, Decision["effect"]> = { [Effect.ALLOW]: "allow", [Effect.DENY]: "deny", [Effect.REVIEW]: "review" };

/** The wire's effect; what is not known denies. */
export function effectFromWire(effect: Effect): Decision["effect"] {
  return effects[effect] ?? "deny";
}

/** A decision from the wire. */
export function decisionFromWire(decision: WireDecision | undefined): Decision {
  return {
    effect: effectFromWire(decision?.effect ?? Effect.UNSPECIFIED),
    rules: decision?.rules ?? [],
    role: decision?.role ?? "",
    limits: limitsFromWire(decision?.limits),
    message: decision?.message ?? "",
    policyDigest: decision?.policyDigest ?? "",
    opaque: decision?.opaque ?? true,
  };
}

function limitsFromWire(limits: WireLimits | undefined): Limits {
  return {
    ...(limits?.rows && { rows: limits.rows }),
    ...(limits?.bytes && { bytes: limits.bytes }),
    ...(limits?.timeMs && { timeMs: limits.timeMs }),
  };
}
