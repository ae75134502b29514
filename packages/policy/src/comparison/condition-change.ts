import { protocols } from "../facts/protocols.ts";
import type { RuleSummary } from "../policy/rule.ts";
import type { Direction, FieldChange } from "./change.ts";
import { meaningOf, termsOf, wordingOf } from "./meaning.ts";

/** Whether a rule's condition itself was rewritten so that it means something else; named conditions and variables are told apart. */
export function conditionChange(before: RuleSummary, after: RuleSummary): FieldChange | undefined {
  const [was, is] = [before.condition, after.condition];
  if (was && is && (wordingOf(was) === wordingOf(is) || meaningOf(was) === meaningOf(is))) return undefined;
  if (!was && !is) return undefined;
  const direction = directionOf(before, after);
  const field = "when";
  if (!was) return { field, direction, after: is?.text ?? "", text: "is now only for what its condition says (was: everything)" };
  if (!is) return { field, direction, before: was.text, text: "is now for everything (was: only what its condition says)" };
  return {
    field,
    direction,
    before: was.text,
    after: is.text,
    text: `the condition changed${reachWords[reachOf(before, after)]}`,
  };
}

/** How many operations a condition holds for, against those before. */
type Reach = "more" | "fewer" | "other";

const reachWords: Readonly<Record<Reach, string>> = {
  more: ", it now holds for more",
  fewer: ", it now holds for less",
  other: "",
};

/** By effect: what it does that a rule reaches more, or fewer, operations. A review can take from what runs and from what is refused. */
const directions = {
  allow: { more: "looser", fewer: "tighter", other: "unknown" },
  deny: { more: "tighter", fewer: "looser", other: "unknown" },
  review: { more: "both", fewer: "both", other: "unknown" },
} as const satisfies Readonly<Record<RuleSummary["effect"], Record<Reach, Direction>>>;

/** What it does that a rule holds for other operations, as far as its effect and its condition's form tell. */
function directionOf(before: RuleSummary, after: RuleSummary): Direction {
  return before.effect === after.effect ? directions[after.effect][reachOf(before, after)] : "unknown";
}

/** What it does that a rule of this effect is about more, or fewer, operations. */
export function directionBy(effect: RuleSummary["effect"], reach: Reach): Direction {
  return directions[effect][reach];
}

/** Told by the form: a part of an `&&` or `||` that was put in or taken out. */
function reachOf(before: RuleSummary, after: RuleSummary): Reach {
  if (!before.condition || !after.condition) return after.condition ? "fewer" : "more";
  // What a condition looks at decides which operations it is asked about at all.
  if (!sameList(before.protocols, after.protocols)) return "other";
  if (looksElsewhere(before, after)) return "other";
  const [allBefore, allAfter] = [termsOf(before.condition, "&&"), termsOf(after.condition, "&&")];
  const [anyBefore, anyAfter] = [termsOf(before.condition, "||"), termsOf(after.condition, "||")];
  if (isWithin(allBefore, allAfter) || isWithin(anyAfter, anyBefore)) return "fewer";
  if (isWithin(allAfter, allBefore) || isWithin(anyBefore, anyAfter)) return "more";
  return "other";
}

/** A rule that looks at other facts than before may thereby cover, or no longer cover, operations of which these must be named. */
function looksElsewhere(before: RuleSummary, after: RuleSummary): boolean {
  if (after.effect === "deny") return false;
  const needed = after.effect === "allow" ? "mustName" : "mustNameToHold";
  if (after.protocols.every((name) => !(needed in protocols[name]))) return false;
  const [was, is] = [[...(before.condition?.facts ?? [])].sort(), [...(after.condition?.facts ?? [])].sort()];
  return !sameList(was, is);
}

function isWithin(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  return inner.size < outer.size && [...inner].every((one) => outer.has(one));
}

function sameList(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((one, index) => one === after[index]);
}
