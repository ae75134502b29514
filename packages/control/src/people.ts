import type { Approver, Voter } from "@countersign/policy";
import type { Delegations } from "./delegations.ts";
import type { Directory } from "./directory.ts";

/** Approvers as they are at the moment of a vote, whatever was true when they signed in. */
export class People {
  readonly #directory: Directory;
  readonly #delegations: Delegations;

  constructor(directory: Directory, delegations: Delegations) {
    this.#directory = directory;
    this.#delegations = delegations;
  }

  /** Somebody with their groups, all their names, and everybody whose right they have now; undefined when they are no approver any more. */
  asNow(approver: Approver): Approver | undefined {
    const known = this.#directory.person(approver.subject);
    if (known === undefined) return undefined;
    const { issuer, subject, groups, accounts } = approver;
    const own: Voter = known === "unknown" ? { subject, groups, ...(accounts && { accounts }) } : known;
    const actingFor = this.#delegations.actingFor(own);
    return { issuer, ...own, ...(actingFor.length > 0 && { actingFor }) };
  }

  /** The same person with everybody for whom they could act at any time since a moment: for whom they cannot be impartial. */
  partialSince(approver: Approver, sinceMs: number): Approver {
    const before = this.#delegations.actedForSince(approver, sinceMs);
    return before.length === 0 ? approver : { ...approver, actingFor: [...(approver.actingFor ?? []), ...before] };
  }
}
