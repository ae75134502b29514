import type { Approval, Requirement, Stage } from "./decision.ts";
import type { Approver, Vote } from "./vote.ts";

/** How far one stage is. */
export interface StageProgress {
  readonly stage: Stage;
  /** Distinct people who agreed and count towards this stage. */
  readonly approved: number;
  readonly satisfied: boolean;
}

/** How far one rule's requirement is. */
export interface RequirementProgress {
  readonly requirement: Requirement;
  readonly stages: readonly StageProgress[];
  readonly satisfied: boolean;
}

/** The verdict of the votes so far. */
export interface Quorum {
  readonly verdict: "waiting" | "approved" | "denied";
  readonly requirements: readonly RequirementProgress[];
}

/** The people who may not vote on a request: its principal and the principal's owner. */
export type Excluded = readonly Pick<Approver, "issuer" | "subject">[];

/** Whether an approver is among those that a stage names. */
export function isNamedBy(stage: Stage, approver: Approver): boolean {
  return stage.approvers.some((name) =>
    name.startsWith("group:") ? approver.groups.includes(name.slice(6)) : name === `user:${approver.subject}`,
  );
}

/**
 * Whether a person is the same as one of the excluded. The subject alone decides: an agent's token and a person's sign-in come from
 * different issuers, and the same name behind another issuer must not be a second person.
 */
export function isExcluded(excluded: Excluded, approver: Pick<Approver, "issuer" | "subject">): boolean {
  return excluded.some((one) => one.subject === approver.subject);
}

/**
 * Counts votes (already verified, all over one request digest) against what the rules ask for. One denial denies. A person counts
 * once in a stage; a stage counts only votes that were cast once all earlier stages of its rule were satisfied.
 */
export function quorum(approval: Approval, votes: readonly Vote[], excluded: Excluded): Quorum {
  const eligible = votes.filter((vote) => !isExcluded(excluded, vote.approver));
  const requirements = approval.requirements.map((requirement) => progress(requirement, eligible));
  const denied = eligible.some((vote) => vote.verdict === "deny");
  const satisfied = requirements.length > 0 && requirements.every((one) => one.satisfied);
  return { verdict: denied ? "denied" : satisfied ? "approved" : "waiting", requirements };
}

function progress(requirement: Requirement, votes: readonly Vote[]): RequirementProgress {
  let from = 0;
  let open = true;
  const stages = requirement.stages.map((stage): StageProgress => {
    const people = new Set<string>();
    let next = from;
    if (open) {
      for (let index = from; index < votes.length && people.size < stage.count; index++) {
        const vote = votes[index];
        next = index + 1;
        if (vote?.verdict === "approve" && isNamedBy(stage, vote.approver)) people.add(vote.approver.subject);
      }
    }
    const satisfied = open && stage.count > 0 && people.size >= stage.count;
    from = next;
    open = satisfied;
    return { stage, approved: people.size, satisfied };
  });
  return { requirement, stages, satisfied: stages.length > 0 && stages.every((one) => one.satisfied) };
}
