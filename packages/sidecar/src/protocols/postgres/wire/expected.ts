import type { SqlStep } from "@countersign/policy";
import type { Portal, Prepared } from "./names.ts";
import type { Running } from "./running.ts";
import { server } from "./server-message.ts";

/** What a message to the server is answered with (§53.2): `query` up to ReadyForQuery, the others by one message or a result. */
type ExpectedKind =
  | "query"
  | "parse"
  | "bind"
  | "describe"
  | "execute"
  | "close-statement"
  | "close-portal"
  | "sync"
  /** Nothing was sent: the answer is ours, given when it is its turn. */
  | "local"
  /** CopyDone or CopyFail: no answer of its own, but the place in the stream from which a Sync counts again. */
  | "copy-end";

/** One answer that is due, in the order of the wire. */
export interface Expected {
  readonly kind: ExpectedKind;
  /** The operation that it is about. */
  readonly running: Running | undefined;
  /** The question was ours: the client hears nothing of the answer. */
  readonly silent: boolean;
  /** What the client gets: of `local`, or in the place of the server's error. */
  readonly bytes: Buffer | undefined;
  /** Of `local`: ReadyForQuery follows, with the status that is true then. */
  readonly ready: boolean;
  /** The statement or portal that it defines or closes, by name. */
  readonly name: string;
  readonly defines: Prepared | Portal | undefined;
  /** The statement that a Describe is about: the answer tells the types of its parameters. */
  readonly describes: Prepared | undefined;
  /** What the statements of the text do to the session, where any of them does something. */
  readonly steps: readonly SqlStep[] | undefined;
  /** The text that they are of. */
  readonly source: string;
  /** The server has not answered it to the end. */
  due: boolean;
  /** How many of the text's statements are complete. */
  completed: number;
  /** What remains of it is not for the client: it has been told of an error already. */
  muted: boolean;
  /** Takes the rows of a question of ours. */
  readonly rows: Buffer[] | undefined;
  /** Of a COPY: the data that was captured before it was sent. */
  readonly input: Buffer | undefined;
  /** Hears whether the server did it. */
  readonly settled: ((done: boolean) => void) | undefined;
}

/** An answer that is due; what is not said does not apply. */
export function expected(
  kind: ExpectedKind,
  about: Partial<Omit<Expected, "kind" | "due" | "completed" | "muted">> = {},
): Expected {
  return {
    kind,
    running: about.running,
    silent: about.silent ?? false,
    bytes: about.bytes,
    ready: about.ready ?? false,
    name: about.name ?? "",
    defines: about.defines,
    describes: about.describes,
    steps: about.steps,
    source: about.source ?? "",
    due: true,
    completed: 0,
    muted: false,
    rows: about.rows,
    input: about.input,
    settled: about.settled,
  };
}

/** Whether the client gets what the server says of it. */
export function isShown({ silent, muted, running }: Expected): boolean {
  return !silent && !muted && running?.cut === undefined;
}

/** Whether the client hears why it failed: also of a question of ours about what it runs. */
export function isHeard(entry: Expected): boolean {
  return isShown(entry) || (entry.kind === "describe" && entry.running !== undefined && !entry.muted);
}

/** What ends the answer to a step. */
export const lastOf: Readonly<Record<Expected["kind"], readonly number[]>> = {
  query: [],
  parse: [server.parseComplete],
  bind: [server.bindComplete],
  describe: [server.rowDescription, server.noData],
  execute: [],
  "close-statement": [server.closeComplete],
  "close-portal": [server.closeComplete],
  sync: [],
  local: [],
  "copy-end": [],
};
/** What else may stand in a result. */
export const ofResults: readonly number[] = [server.rowDescription, server.copyOut, server.copyDone];
