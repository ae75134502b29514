import { RequestDetail, type RequestSummary } from "@countersign/rpc";
import { stateName } from "./request-state.ts";

/** A request of a list as `--json` prints it: plain state names, times in milliseconds since the Unix epoch. */
export function summaryJson(summary: RequestSummary): Record<string, unknown> {
  const { id, state, ...rest } = summary;
  return { id, state: stateName(state), ...rest };
}

/** A whole request as `--json` prints it: the wire's JSON form, its summary as in a list, and its facts as JSON rather than text. */
export function detailJson(detail: RequestDetail): Record<string, unknown> {
  const wire: unknown = RequestDetail.toJSON(detail);
  const { summary, factsJson, ...rest } =
    typeof wire === "object" && wire !== null
      ? { summary: undefined, factsJson: "", ...wire }
      : { summary: undefined, factsJson: "" };
  return { ...(detail.summary === undefined ? {} : summaryJson(detail.summary)), ...rest, ...facts(detail.factsJson) };
}

function facts(text: string): { facts?: unknown } {
  try {
    return { facts: JSON.parse(text) };
  } catch {
    return {};
  }
}
