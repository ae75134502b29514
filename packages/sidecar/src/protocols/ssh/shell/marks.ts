import { failureText, printable } from "../entry/words.ts";
import type { LineEnd } from "./line-runner.ts";

/** What a mark is about: it stands out by its sign, and by a colour where there is a terminal. */
export type MarkKind = "ran" | "failed" | "waits" | "refused" | "note";

const signs: Readonly<Record<MarkKind, { readonly sign: string; readonly colour: number }>> = {
  ran: { sign: "✓", colour: 32 },
  failed: { sign: "✗", colour: 31 },
  waits: { sign: "…", colour: 33 },
  refused: { sign: "⊘", colour: 31 },
  note: { sign: "·", colour: 2 },
};

/** A line of the shell's own. */
export function mark(kind: MarkKind, text: string, isColoured: boolean): string {
  const { sign, colour } = signs[kind];
  const line = `${sign} ${printable(text)}`;
  return isColoured ? `\x1b[${colour}m${line}\x1b[0m` : line;
}

/** As shells number them: what a signal ended; what may not run; what could not be done. */
const interrupted = 130;
const mayNotRun = 126;
const couldNot = 255;

/** How a line ended, in words, and as `$?`. */
export function endOf({ ended, outcome }: LineEnd): { readonly kind: MarkKind; readonly text: string; readonly status: number } {
  const { state, failure, requestId } = ended;
  const exit = outcome?.exit;
  const status = exit === undefined ? undefined : "code" in exit ? exit.code : 128 + (signals[exit.signal] ?? 0);
  if (failure !== undefined) {
    const text = failureText(state, failure, requestId).replace(/^countersign: /, "");
    if (outcome !== undefined) return { kind: "failed", text: `ran, but not to its end: ${text}`, status: status ?? couldNot };
    if (state === "cancelled") return { kind: "refused", text: `did not run: ${text}`, status: interrupted };
    return state === "failed" && !refusals.has(failure.code)
      ? { kind: "failed", text: `did not run: ${text}`, status: couldNot }
      : { kind: "refused", text: `refused: ${text}`, status: mayNotRun };
  }
  if (exit !== undefined && "signal" in exit)
    return { kind: "failed", text: `ran, ended by the signal ${exit.signal}`, status: status ?? couldNot };
  const code = status ?? 0;
  return { kind: code === 0 ? "ran" : "failed", text: `ran, exit status ${code}`, status: code };
}

const refusals: ReadonlySet<string> = new Set([
  "denied",
  "invalid_operation",
  "operation_too_large",
  "too_many_requests",
  "revoked",
]);
const signals: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ABRT: 6,
  KILL: 9,
  SEGV: 11,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
};
