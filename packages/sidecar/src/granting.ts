import type { KeyObject } from "node:crypto";
import {
  type Action,
  type Allow,
  CountersignError,
  coversAction,
  type Digest,
  type Facts,
  type Grant,
  type GrantBook,
  type GrantUse,
  type Review,
  type Revocations,
  verifyVote,
} from "@countersign/policy";

/** What standing approvals are judged by. */
export interface GrantingParts {
  readonly grants: GrantBook;
  /** The public key of the service that signs votes (Ed25519). */
  readonly voteKey: KeyObject;
  readonly revocations: Revocations;
  readonly now: () => number;
}

/** A held action as it would be dispatched, with what was found out about it. */
export interface Grantable {
  readonly action: Action;
  readonly facts: Facts;
  readonly decision: Allow | Review;
  readonly owner?: string;
}

/** Finds standing approvals for held actions. What the control plane gives is not believed: every grant is verified here, from signatures up. */
export class Granting {
  readonly #parts: GrantingParts;

  constructor(parts: GrantingParts) {
    this.#parts = parts;
  }

  /** The grants that cover an action now, each verified when it is its turn. None where they cannot be read: then it waits for a person. */
  async *covering(asked: Grantable): AsyncGenerator<Grant> {
    if (asked.decision.effect !== "review" || asked.decision.approval.grants === undefined) return;
    const found = await this.#parts.grants.find(asked.action).catch(() => []);
    for (const grant of found) if (this.covers(grant, asked)) yield grant;
  }

  /** Whether a grant covers an action now, by its votes' signatures, the policy in force and the bytes about to be sent. */
  covers(grant: Grant, asked: Grantable): boolean {
    const { voteKey, revocations, now } = this.#parts;
    const trust = {
      verify: (vote: Grant["votes"][number]) => verifyVote(vote, voteKey),
      isLocked: (approver: Grant["votes"][number]["approver"]) => revocations.isLocked(approver),
    };
    return coversAction(grant, { ...asked, nowMs: now() }, trust);
  }

  /** Whether the grant that approved a stored request covers what would be dispatched now. */
  async stillCovers({ grantId }: GrantUse, asked: Grantable): Promise<boolean> {
    const grant = await this.#parts.grants.get(grantId).catch(() => undefined);
    return grant !== undefined && this.covers(grant, asked);
  }

  /** Takes one use of a grant; undefined when it has none to give any more. */
  async take(grant: Grant, call: string, action: Action, digest: Digest): Promise<GrantUse | undefined> {
    try {
      return await this.#parts.grants.use(grant.id, call, action, digest);
    } catch (error) {
      if (error instanceof CountersignError && error.code === "revoked") return undefined;
      throw error;
    }
  }
}
