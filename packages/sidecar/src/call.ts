import type { Operation, Principal } from "@countersign/policy";

/** A guarded call, as an authenticated caller made it. */
export interface Call {
  readonly principal: Principal;
  readonly resource: string;
  readonly operation: Operation;
  readonly reason: string;
  readonly session: string;
  readonly idempotencyKey?: string;
  /** Whether the request outlives this call. */
  readonly durable: boolean;
}
