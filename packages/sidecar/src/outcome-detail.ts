import type { Json, Outcome } from "@countersign/policy";

/** What is recorded of an outcome: never the target's message, which may quote data. */
export function outcomeDetail(outcome: Outcome): { readonly [key: string]: Json } {
  const { state, rows, bytes, durationMs, rowsAffected, commandTag, exit, status, failure } = outcome;
  return {
    ...{ state, rows, bytes, durationMs: Math.round(durationMs) },
    ...(rowsAffected === undefined ? {} : { rowsAffected }),
    ...(commandTag === undefined ? {} : { commandTag }),
    ...(exit && { exit: { ...exit } }),
    ...(status === undefined ? {} : { status }),
    ...(failure === undefined ? {} : { code: failure.code }),
    ...(failure?.targetCode === undefined ? {} : { targetCode: failure.targetCode }),
  };
}

/** An outcome from its record; the failure's message is not recorded. `undefined` when it is not one of ours. */
export function readOutcome(detail: unknown): Outcome | undefined {
  if (typeof detail !== "object" || detail === null || !("state" in detail)) return undefined;
  const { state, code, rows, bytes, durationMs, rowsAffected, commandTag, exit, status, targetCode } = detail as Record<
    string,
    unknown
  >;
  if (state !== "succeeded" && state !== "failed" && state !== "unknown") return undefined;
  return {
    state,
    ...{ rows: count(rows), bytes: count(bytes), durationMs: count(durationMs) },
    ...(typeof rowsAffected === "number" ? { rowsAffected } : {}),
    ...(typeof commandTag === "string" ? { commandTag } : {}),
    ...readExit(exit),
    ...(typeof status === "number" ? { status } : {}),
    ...(state === "succeeded" ? {} : { failure: failureOf(state, code, targetCode) }),
  };
}

function readExit(exit: unknown): Pick<Outcome, "exit"> {
  if (typeof exit !== "object" || exit === null) return {};
  if ("code" in exit && typeof exit.code === "number") return { exit: { code: exit.code } };
  return "signal" in exit && typeof exit.signal === "string" ? { exit: { signal: exit.signal } } : {};
}

function failureOf(state: "failed" | "unknown", code: unknown, targetCode: unknown): NonNullable<Outcome["failure"]> {
  const message = `The sidecar stopped after it recorded this outcome${typeof code === "string" ? ` (${code})` : ""}.`;
  return {
    code: state === "unknown" ? "unknown_outcome" : "target_error",
    message,
    retryable: false,
    ...(typeof targetCode === "string" ? { targetCode } : {}),
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
