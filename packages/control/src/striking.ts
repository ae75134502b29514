import { type Ballot, lineCount, struckLines } from "@countersign/policy";
import type { VoteRefusal } from "./eligibility.ts";
import type { RequestOverview } from "./stores/request-store.ts";

/** What a vote strikes out of a plan, as it is signed: lines from 0, ascending, each once; or why it cannot. */
export function struckBy(
  request: RequestOverview,
  { struck = [], verdict }: { readonly struck?: readonly number[]; readonly verdict: Ballot["verdict"] },
): { readonly lines?: readonly number[]; readonly refusal?: VoteRefusal } {
  if (struck.length === 0) return {};
  const count = lineCount(request);
  const lines = [...new Set(struck)].sort((a, b) => a - b);
  if (count === 0) return invalid("The request is no plan: there is no line to strike out.");
  if (verdict === "deny") return invalid("A denial is of the whole plan. To strike lines out, approve the others.");
  const wrong = lines.find((line) => !Number.isSafeInteger(line) || line < 0 || line >= count);
  if (wrong !== undefined) return invalid(`The plan has no line ${wrong + 1}; it has lines 1 to ${count}.`);
  const gone = new Set([...struckLines(request.votes), ...lines]);
  return gone.size < count ? { lines } : invalid("With that every line is struck out, which is a denial. Deny the plan instead.");
}

function invalid(message: string): { readonly refusal: VoteRefusal } {
  return { refusal: { code: "invalid_request", message } };
}
