import type { Limits } from "../decision.ts";
import type { RuleSummary } from "../policy/rule.ts";
import { approvalChanges } from "./approval-fields.ts";
import { type Direction, type FieldChange, moreIsLooser } from "./change.ts";
import { conditionChange, directionBy } from "./condition-change.ts";
import { byteWords, durationWords } from "./wording.ts";

/** What changed in one rule, field by field. Order, layout and comments do not count, nor does a description. */
export function ruleChanges(before: RuleSummary, after: RuleSummary): readonly FieldChange[] {
  const condition = conditionChange(before, after);
  return [
    ...effectChange(before, after),
    ...resourcesChange(before, after),
    ...(condition ? [condition] : []),
    ...textChange("role", "role", before.role, after.role, "unknown"),
    ...limitChanges(before.limits, after.limits),
    ...maskChange(before.limits, after.limits),
    ...(before.approval && after.approval ? approvalChanges(before.approval, after.approval) : []),
    ...opaqueChange(before, after),
    ...textChange("message", "what the agent is told", quoted(before.message), quoted(after.message), "none"),
    ...textChange("private", "left out of what agents see", String(before.private), String(after.private), "none"),
  ];
}

/** By what it was and what it is, for an `allow` that also covers what is not fully understood. */
const effectDirections: Readonly<Record<string, Direction>> = {
  "allow review": "tighter",
  "allow deny": "tighter",
  "review allow": "looser",
  "review deny": "tighter",
  "deny allow": "looser",
  "deny review": "looser",
};

function effectChange(before: RuleSummary, after: RuleSummary): readonly FieldChange[] {
  // A review also holds what is not fully understood, which such an `allow` leaves to be refused.
  const isPartial = [before, after].some(({ effect, opaque }) => effect === "allow" && !opaque);
  const isShared = [before, after].some(({ effect }) => effect === "review");
  const direction = isPartial && isShared ? "both" : (effectDirections[`${before.effect} ${after.effect}`] ?? "unknown");
  return textChange("effect", "effect", before.effect, after.effect, direction);
}

function resourcesChange(before: RuleSummary, after: RuleSummary): readonly FieldChange[] {
  const [was, is] = [selectors(before), selectors(after)];
  const [more, fewer] = [isWithin(was, is), isWithin(is, was)];
  const reach = more ? "more" : fewer ? "fewer" : "other";
  return textChange("resources", "resources", words(was), words(is), directionBy(after.effect, reach));
}

/** Undefined = every resource. */
function selectors({ resources }: RuleSummary): readonly string[] | undefined {
  return resources && [...new Set(resources)].sort();
}

function isWithin(inner: readonly string[] | undefined, outer: readonly string[] | undefined): boolean {
  return outer === undefined || (inner?.every((one) => outer.includes(one)) ?? false);
}

function words(list: readonly string[] | undefined): string {
  return list?.join(", ") ?? "all";
}

const limitWords = { rows: String, bytes: byteWords, timeMs: durationWords } as const;

function limitChanges(before: Limits, after: Limits): readonly FieldChange[] {
  return (["rows", "bytes", "timeMs"] as const).flatMap((limit) => {
    const [was, is] = [before[limit], after[limit]];
    const name = limit === "timeMs" ? "time" : limit;
    const say = (value: number | undefined): string => (value === undefined ? "none" : limitWords[limit](value));
    const direction = moreIsLooser(was ?? Infinity, is ?? Infinity);
    return textChange(`limits.${name}`, `${name} limit`, say(was), say(is), direction);
  });
}

function maskChange({ masks: was = [] }: Limits, { masks: is = [] }: Limits): readonly FieldChange[] {
  const [more, fewer] = [isWithin(was, is), isWithin(is, was)];
  const direction = more ? "tighter" : fewer ? "looser" : "both";
  return textChange("limits.masks", "masked columns", was.join(", ") || "none", is.join(", ") || "none", direction);
}

function opaqueChange(before: RuleSummary, after: RuleSummary): readonly FieldChange[] {
  if (before.opaque === after.opaque || before.effect !== after.effect) return [];
  const [was, is] = [String(before.opaque), String(after.opaque)];
  const text = after.opaque ? "now covers what is not fully understood" : "no longer covers what is not fully understood";
  return [{ field: "opaque", before: was, after: is, direction: after.opaque ? "looser" : "tighter", text }];
}

function textChange(
  field: string,
  what: string,
  before: string | undefined,
  after: string | undefined,
  direction: Direction,
): readonly FieldChange[] {
  const [was, is] = [before ?? "none", after ?? "none"];
  return was === is ? [] : [{ field, before: was, after: is, direction, text: `${what} ${was} → ${is}` }];
}

function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}
