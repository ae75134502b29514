import { type LineOperation, readOperationMessage } from "@countersign/policy/operation";
import type { Operation, Replaced as WireReplaced } from "@countersign/rpc";
import type { PostgresQueryAction } from "./action.ts";

/** A statement as the sidecar holds it: parameters are NULL, PostgreSQL's text, or its binary format. */
interface HeldQuery extends Pick<PostgresQueryAction, "kind" | "statement"> {
  readonly parameters: readonly (null | string | Uint8Array)[];
}

/** What is to be done, as the sidecar holds it. */
export type HeldOperation = HeldQuery | Exclude<LineOperation, { readonly kind: "postgres.query" }>;

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
  const operation = readOperationMessage(wire);
  if (operation?.kind !== "postgres.query") return operation;
  const { kind, statement, parameters } = operation;
  return {
    ...{ kind, statement },
    parameters: parameters.map((one) => {
      if (one === null) return null;
      return "text" in one ? one.text : Buffer.from(one.binary, "base64url");
    }),
  };
}
