import type { Operation, PlannedAction, PostgresParameter, SubmitRequest } from "@countersign/rpc";
import { CountersignError } from "./errors.ts";
import { toParameter } from "./parameter.ts";

/** One SQL statement on a PostgreSQL resource. */
export interface PostgresQueryAction {
  readonly kind: "postgres.query";
  /** The resource's configured name, e.g. `orders-db`. */
  readonly resource: string;
  /** One statement, with `$1`, `$2`, … for values. */
  readonly statement: string;
  /** The values of `$1`, `$2`, …; what may be passed is told at `PostgresResource.query`. */
  readonly parameters?: readonly unknown[];
}

/** What an agent may ask for. */
export type GuardedAction = PostgresQueryAction;

/** What goes with an action. */
export interface Asking {
  /** Why, in the agent's own words, for the person who approves (at most 4096 bytes). */
  reason?: string | undefined;
  /** The same key with the same action attaches to the same request, also from another process (at most 256 bytes). */
  idempotencyKey?: string | undefined;
}

/** PostgreSQL's own limit (a 16 bit count in the Bind message). */
const maxParameters = 65_535;

/**
 * An action as the wire carries it.
 *
 * @throws {CountersignError} `invalid_operation` or `invalid_parameter`; nothing was sent.
 */
export function toOperation({ statement, parameters = [] }: GuardedAction): Operation {
  if (typeof statement !== "string" || statement.trim() === "") {
    throw new CountersignError("invalid_operation", "The statement is empty; pass one SQL statement.");
  }
  // Both would be changed on the way, and then something else would be approved than what was asked.
  if (statement.includes("\0") || !statement.isWellFormed()) {
    throw new CountersignError(
      "invalid_operation",
      "The statement holds a NUL character or half of a surrogate pair; SQL text cannot.",
    );
  }
  if (parameters.length > maxParameters) {
    throw new CountersignError(
      "invalid_parameter",
      `${parameters.length} parameters; PostgreSQL takes at most ${maxParameters}.`,
    );
  }
  // Not map: it would skip the holes of a sparse array.
  const values: PostgresParameter[] = [];
  for (const [index, parameter] of parameters.entries()) values.push(toParameter(parameter, index));
  return { operation: { $case: "postgresQuery", value: { statement, parameters: values } } };
}

/**
 * An action as a line of a plan, as the wire carries it.
 *
 * @throws {CountersignError} as {@link toOperation}.
 */
export function toPlanned(action: GuardedAction): PlannedAction {
  return { resource: action.resource, operation: toOperation(action) };
}

/**
 * An action with its reason, key and session as the wire carries it.
 *
 * @throws {CountersignError} as {@link toOperation}.
 */
export function toSubmit(action: GuardedAction, asking: Asking, session: string): SubmitRequest {
  return {
    resource: action.resource,
    operation: toOperation(action),
    reason: (asking.reason ?? "").toWellFormed(),
    idempotencyKey: asking.idempotencyKey ?? "",
    session,
  };
}
