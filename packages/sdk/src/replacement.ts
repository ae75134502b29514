import type { Operation, PostgresParameter, Replaced as WireReplaced } from "@countersign/rpc";
import type { PostgresQueryAction } from "./action.ts";

/** What is to be done, as the sidecar holds it: parameters are NULL, PostgreSQL's text, or its binary format. */
export interface HeldOperation extends Pick<PostgresQueryAction, "kind" | "statement"> {
  readonly parameters: readonly (null | string | Uint8Array)[];
}

/** That another request took the place of one that was held. */
export interface Replacement {
  /** The request that did, `req_…`. */
  readonly successor: string;
  /** E.g. `Edited by alice: only the duplicates.` or `The policy has changed.` */
  readonly why: string;
  /** What an approver changed; absent = the same is to run. */
  readonly edit?: { readonly by: string; readonly before: HeldOperation; readonly now: HeldOperation };
}

/** A replacement from the wire. An operation of a kind that only a newer sidecar knows is left out. */
export function replacementFromWire({ requestId, why, operation, before, editedBy }: WireReplaced): Replacement {
  const [was, now] = [operationFromWire(before), operationFromWire(operation)];
  return { successor: requestId, why, ...(was && now && { edit: { by: editedBy, before: was, now } }) };
}

/** An operation from the wire; `undefined` for a kind that only a newer sidecar knows. */
export function operationFromWire(wire: Operation | undefined): HeldOperation | undefined {
  if (wire?.operation?.$case !== "postgresQuery") return undefined;
  const { statement, parameters } = wire.operation.value;
  return { kind: "postgres.query", statement, parameters: parameters.map(parameterFromWire) };
}

function parameterFromWire({ value }: PostgresParameter): null | string | Uint8Array {
  return value === undefined || value.$case === "null" ? null : value.value;
}
