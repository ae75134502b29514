import type { Outcome } from "@countersign/policy";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Ended } from "../../../native/waiting-client.ts";
import type { Visitor } from "../entry/command-session.ts";

/** Where the output of a line goes; a promise means: wait for it. */
export type LineOutput = (data: Uint8Array, stream: "stdout" | "stderr") => undefined | Promise<void>;

/** What a line is told while it waits. */
export interface LineWatcher {
  readonly output: LineOutput;
  /** It waits for people. */
  readonly pending: (approvalUrl: string) => void;
  readonly approved: () => void;
  /** Another request took its place. */
  readonly replaced: (why: string) => void;
}

/** How a line ended. */
export interface LineEnd {
  readonly ended: Ended;
  /** Of what ran; undefined when nothing did. */
  readonly outcome: Outcome | undefined;
}

/**
 * Runs a line of a guarded shell: an `ssh.exec` like any other, decided about, held, recorded and dispatched by itself, with a certificate of its own and a
 * closed standard input. Nothing of the shell goes with it but the text.
 *
 * @throws {CountersignError} `revoked` when the caller or the resource is locked.
 */
export async function runLine(
  { host, target, native }: Pick<Visitor, "host" | "target" | "native">,
  command: string,
  watcher: LineWatcher,
  signal: AbortSignal,
): Promise<LineEnd> {
  const id = host.random(18).toString("base64url");
  const cut = new AbortController();
  const gone = AbortSignal.any([signal, cut.signal]);
  let outcome: Outcome | undefined;
  const own: OwnConnection = {
    accept: (operation) => {
      if (operation.kind === "ssh.exec") target.acceptCommand(operation.command);
    },
    dispatch: (operation, role, limits, options) => {
      if (operation.kind !== "ssh.exec") throw new TypeError("another kind of operation came back");
      const { kind, command: approved } = operation;
      const stop = AbortSignal.any([options.signal, gone]);
      const dispatch = target.relay({ kind, command: approved }, role, limits, { ...options, signal: stop });
      return {
        prepare: () => dispatch.prepare(),
        run: async () => {
          outcome = await dispatch.run((chunk) =>
            chunk.type === "output" ? watcher.output(chunk.data, chunk.stream) : undefined,
          );
          return outcome;
        },
        close: () => dispatch.close(),
      };
    },
    cut: (reason) => cut.abort(reason),
  };
  using gate = native(id, own);
  const client = {
    pending: ({ approvalUrl }: { readonly approvalUrl: string }) => watcher.pending(approvalUrl),
    approved: () => watcher.approved(),
    replaced: ({ why }: { readonly why: string }) => watcher.replaced(why),
  };
  const ended = await gate.run({ kind: "ssh.exec", command, connection: { id } }, client, gone);
  return { ended, outcome };
}
