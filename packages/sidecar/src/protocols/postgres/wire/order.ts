import { client } from "./frontend.ts";

/**
 * What the client's messages are to be taken for now: `waiting` for a decision, the journal or a session; `held` for approvers; `skipping` to
 * the next Sync; `copying` data to the server; `capturing` it for approvers; `leaving` after a Terminate until all is answered.
 */
export type State = "open" | "waiting" | "held" | "skipping" | "copying" | "capturing" | "leaving" | "ended";

/** What is done with a message. */
type Action =
  | "query"
  | "parse"
  | "bind"
  | "describe"
  | "execute"
  | "close"
  | "flush"
  | "sync"
  | "call"
  | "copy"
  | "capture"
  | "terminate"
  | "drop"
  | "disorder";

const { query, parse, bind, describe, execute, close, flush, sync, functionCall, terminate, copyData, copyDone, copyFail } =
  client;
const always = { [terminate]: "terminate" } as const;
const copies = { [copyData]: "copy", [copyDone]: "copy", [copyFail]: "copy" } as const;
const captures = { [copyData]: "capture", [copyDone]: "capture", [copyFail]: "capture" } as const;

/**
 * Which message is taken for what in which state (§53.2). What stands nowhere is `drop` while it is skipped to the Sync, and otherwise out of
 * order, which ends the connection. While it is waiting or held nothing is looked at but a Terminate.
 */
const order: Readonly<Record<State, Readonly<Record<number, Action>>>> = {
  open: {
    ...always,
    ...copies,
    [query]: "query",
    [parse]: "parse",
    [bind]: "bind",
    [describe]: "describe",
    [execute]: "execute",
    [close]: "close",
    [flush]: "flush",
    [sync]: "sync",
    [functionCall]: "call",
  },
  skipping: {
    ...always,
    [sync]: "sync",
    [query]: "drop",
    [parse]: "drop",
    [bind]: "drop",
    [describe]: "drop",
    [execute]: "drop",
  },
  copying: { ...always, ...copies, [flush]: "drop", [sync]: "drop" },
  capturing: { ...always, ...captures, [flush]: "drop", [sync]: "drop" },
  waiting: { ...always },
  held: { ...always },
  leaving: {},
  ended: {},
};

/** Before these the session must be known to be as it was. */
export const judged: ReadonlySet<number> = new Set([query, parse, bind, execute]);

/** What is done with a message in a state. */
export function actionOf(state: State, type: number): Action {
  return order[state][type] ?? (state === "skipping" || state === "leaving" ? "drop" : "disorder");
}
