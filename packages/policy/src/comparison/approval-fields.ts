import type { BreakGlass, GrantBounds, Stage } from "../decision.ts";
import type { RuleApproval } from "../policy/rule.ts";
import { type Direction, type FieldChange, moreIsLooser } from "./change.ts";
import { durationWords, stageWords } from "./wording.ts";

/** What changed in how a `review` rule is approved. */
export function approvalChanges(before: RuleApproval, after: RuleApproval): readonly FieldChange[] {
  return [
    ...stagesChanges(before.stages, after.stages),
    ...durationChange("expires", "may wait", before.expiresMs, after.expiresMs),
    ...durationChange("validFor", "must start after its approval within", before.validForMs, after.validForMs),
    ...signatureChange(before.signature ?? "session", after.signature ?? "session"),
    ...justificationChange(before.justification, after.justification),
    ...evidenceChange(before.evidence ?? "plan", after.evidence ?? "plan"),
    ...inputChange(before.input ?? "captured", after.input ?? "captured"),
    ...grantsChange(before.grants, after.grants),
    ...breakGlassChange(before.breakGlass, after.breakGlass),
  ];
}

function stagesChanges(before: readonly Stage[], after: readonly Stage[]): readonly FieldChange[] {
  if (before.length === after.length)
    return before.flatMap((stage, index) => {
      const now = after[index];
      return now ? stageChanges(stage, now, before.length === 1 ? "" : ` in stage ${index + 1}`) : [];
    });
  const more = after.length > before.length;
  const [few, many] = more ? [before, after] : [after, before];
  const kept = many.map(stageKey);
  // Stages that stand among the others in the same order: those that came or went are on top of them.
  const isOnTop = few.map(stageKey).every((key) => {
    const at = kept.indexOf(key);
    kept.splice(0, at + 1);
    return at >= 0;
  });
  const direction = !isOnTop ? "unknown" : more ? "tighter" : "looser";
  const [was, is] = [stageWords(before), stageWords(after)];
  return [{ field: "approval.stages", before: was, after: is, direction, text: `now needs ${is} (was ${was})` }];
}

function stageKey(stage: Stage): string {
  return JSON.stringify([stage.approvers.toSorted(), stage.count, escalationWords(stage)]);
}

function stageChanges(before: Stage, after: Stage, where: string): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  const say = (field: string, was: string, is: string, direction: Direction, text: string): void => {
    if (was !== is)
      changes.push({ field: `approval.stages.${field}`, before: was, after: is, direction, text: `${text}${where}` });
  };
  const people = after.count === 1 ? "person" : "people";
  say(
    "count",
    String(before.count),
    String(after.count),
    moreIsLooser(after.count, before.count),
    `now needs ${after.count} ${people} of ${after.approvers.join(", ")} (was ${before.count})`,
  );
  const added = after.approvers.filter((one) => !before.approvers.includes(one)).sort();
  const removed = before.approvers.filter((one) => !after.approvers.includes(one)).sort();
  const words = [
    ...(added.length > 0 ? [`${added.join(", ")} may now approve`] : []),
    ...(removed.length > 0 ? [`${removed.join(", ")} may no longer approve`] : []),
  ];
  const direction = removed.length === 0 ? "looser" : added.length === 0 ? "tighter" : "both";
  const [was, is] = [before.approvers.toSorted().join(", "), after.approvers.toSorted().join(", ")];
  say("approvers", was, is, direction, words.join(", "));
  const [later, now] = [escalationWords(before), escalationWords(after)];
  say("escalate", later, now, escalationDirection(before, after), `escalation ${later} → ${now}`);
  return changes;
}

function escalationWords({ escalate = [] }: Stage): string {
  if (escalate.length === 0) return "none";
  return escalate.map(({ afterMs, to }) => `after ${durationWords(afterMs)} to ${to.toSorted().join(", ")}`).join(", ");
}

/** Whoever is added only ever widens who may approve. */
function escalationDirection({ escalate: before = [] }: Stage, { escalate: after = [] }: Stage): Direction {
  if (before.length === 0) return "looser";
  return after.length === 0 ? "tighter" : "unknown";
}

function durationChange(field: "expires" | "validFor", words: string, before: number, after: number): readonly FieldChange[] {
  if (before === after) return [];
  const [was, is] = [durationWords(before), durationWords(after)];
  const direction = moreIsLooser(before, after);
  return [{ field: `approval.${field}`, before: was, after: is, direction, text: `${words} ${is} (was ${was})` }];
}

function signatureChange(before: string, after: string): readonly FieldChange[] {
  if (before === after) return [];
  const direction = after === "passkey" ? "tighter" : "looser";
  return [{ field: "approval.signature", before, after, direction, text: `votes are signed with a ${after} (was a ${before})` }];
}

function justificationChange(before: string, after: string): readonly FieldChange[] {
  if (before === after) return [];
  const isAsked = after === "required";
  const text = isAsked ? "the agent must now give a reason" : "the agent need no longer give a reason";
  return [{ field: "approval.justification", before, after, direction: isAsked ? "tighter" : "looser", text }];
}

/** What approvers are shown; for an effect the statement is also tried out, which takes locks and rights. */
function evidenceChange(before: string, after: string): readonly FieldChange[] {
  if (before === after) return [];
  const text = `before a vote, ${after} is found out (was ${before})`;
  const direction = before === "effect" || after === "effect" ? "unknown" : "none";
  return [{ field: "approval.evidence", before, after, direction, text }];
}

function inputChange(before: string, after: string): readonly FieldChange[] {
  if (before === after) return [];
  const direction = after === "unseen" ? "looser" : "tighter";
  return [{ field: "approval.input", before, after, direction, text: `data that is streamed to it is ${after} (was ${before})` }];
}

function grantsChange(before: GrantBounds | undefined, after: GrantBounds | undefined): readonly FieldChange[] {
  const [was, is] = [grantWords(before), grantWords(after)];
  if (was === is) return [];
  return [
    { field: "approval.grants", before: was, after: is, direction: grantDirection(before, after), text: `grants ${was} → ${is}` },
  ];
}

function grantWords(grants: GrantBounds | undefined): string {
  return grants ? `${grants.maxUses} uses, ${durationWords(grants.maxTtlMs)}` : "none";
}

function grantDirection(before: GrantBounds | undefined, after: GrantBounds | undefined): Direction {
  if (!before || !after) return after ? "looser" : "tighter";
  const isMore = after.maxUses >= before.maxUses && after.maxTtlMs >= before.maxTtlMs;
  const isLess = after.maxUses <= before.maxUses && after.maxTtlMs <= before.maxTtlMs;
  return isMore ? "looser" : isLess ? "tighter" : "both";
}

function breakGlassChange(before: BreakGlass | undefined, after: BreakGlass | undefined): readonly FieldChange[] {
  const [was, is] = [breakGlassWords(before), breakGlassWords(after)];
  if (was === is) return [];
  const direction = breakGlassDirection(before, after);
  return [{ field: "approval.breakGlass", before: was, after: is, direction, text: `alone in an emergency: ${was} → ${is}` }];
}

function breakGlassWords(breakGlass: BreakGlass | undefined): string {
  if (breakGlass === undefined) return "nobody";
  return `${breakGlass.approvers.toSorted().join(", ")}, reviewed within ${durationWords(breakGlass.reviewWithinMs)}`;
}

/** More people, or more time for the review, is looser. */
function breakGlassDirection(before: BreakGlass | undefined, after: BreakGlass | undefined): Direction {
  if (!before || !after) return after ? "looser" : "tighter";
  const isAdded = after.approvers.some((one) => !before.approvers.includes(one)) || after.reviewWithinMs > before.reviewWithinMs;
  const isRemoved =
    before.approvers.some((one) => !after.approvers.includes(one)) || after.reviewWithinMs < before.reviewWithinMs;
  return isAdded && isRemoved ? "both" : isAdded ? "looser" : "tighter";
}
