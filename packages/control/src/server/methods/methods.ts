import type { PolicyStatusFeed } from "@countersign/policy";
import type { Approvals } from "../../approvals.ts";
import type { Delegations } from "../../delegations.ts";
import type { Edits } from "../../edits.ts";
import type { EvidenceDesk } from "../../evidence.ts";
import type { Grants } from "../../grants.ts";
import type { PastDecisions } from "../../past-decisions.ts";
import type { RecordedSessions } from "../../recorded-sessions.ts";
import type { Resolving } from "../../resolving.ts";
import type { Reviews } from "../../reviews.ts";
import type { Revoking } from "../../revoking.ts";
import { ApproverApi } from "../approver-api.ts";
import { delegationMethods } from "./delegations.ts";
import { editMethods } from "./edits.ts";
import { grantMethods } from "./grants.ts";
import { lockMethods } from "./locks.ts";
import type { Method } from "./method.ts";
import { requestMethods } from "./requests.ts";
import { reviewMethods } from "./reviews.ts";
import { sessionMethods } from "./sessions.ts";

/** What approvers' surfaces are served from. */
export interface Desk {
  readonly approvals: Approvals;
  readonly revoking: Revoking;
  readonly resolving: Resolving;
  readonly delegations: Delegations;
  readonly grants: Grants;
  readonly reviews: Reviews;
  readonly edits: Edits;
  readonly evidence: EvidenceDesk;
  readonly past: PastDecisions;
  /** Where this process has the log with the recordings. */
  readonly sessions?: RecordedSessions;
}

/** Everything that an approver can ask for: the inbox, and all else by the name that it has on the wire. */
export function approverMethods(
  { approvals, revoking, resolving, delegations, grants, reviews, edits, evidence, past, sessions }: Desk,
  policy?: PolicyStatusFeed,
): { readonly api: ApproverApi; readonly methods: Readonly<Record<string, Method>> } {
  const api = new ApproverApi({ approvals, evidence, past }, policy);
  const methods = {
    ...requestMethods(api, revoking, resolving),
    ...editMethods(api, edits),
    ...lockMethods(revoking),
    ...delegationMethods(delegations),
    ...grantMethods(grants),
    ...reviewMethods(reviews),
    ...(sessions && sessionMethods(sessions, revoking)),
  };
  return { api, methods };
}
