import type { Action } from "../action.ts";
import type { Digest } from "../canonical.ts";
import type { Grant } from "./grant.ts";
import type { GrantUse } from "./grant-use.ts";

/** The grants of a control plane, as a sidecar sees them. What it gives is not believed: the sidecar verifies each grant itself. */
export interface GrantBook {
  /** The grants that may be in force for a caller on a resource, oldest first: those that are used up first. */
  find(about: Pick<Action, "principal" | "resource">): Promise<readonly Grant[]>;
  /**
   * One grant, whether or not it can still be used: a request that took a use may be dispatched a moment after the last one.
   *
   * @throws {CountersignError} `not_found`.
   */
  get(grantId: string): Promise<Grant>;
  /**
   * Takes one use: counted and on record when it resolves.
   *
   * @param call - The id of the call that it is for.
   * @throws {CountersignError} `revoked` when the grant was revoked, used up or has expired, or when its caller, resource or approver is
   * locked; `control_plane_unavailable` or `audit_unavailable` when nothing was taken.
   */
  use(grantId: string, call: string, action: Action, actionDigest: Digest): Promise<GrantUse>;
}
