import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CountersignError,
  type ErrorCode,
  guardedShell,
  type Limits,
  mostLineBytes,
  type Outcome,
  type SshSubsystem,
} from "@countersign/policy";
import type { PseudoTtyOptions, ServerChannel } from "ssh2";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Recording } from "../../../sessions/recording.ts";
import type { Dispatch, DispatchOptions, RecordSession } from "../../connector.ts";
import type { Visitor } from "../entry/command-session.ts";
import { failureText, waitingText } from "../entry/words.ts";
import { completions } from "./completion.ts";
import { EditedLines } from "./edited-lines.ts";
import { GuardedShell } from "./guarded-shell.ts";
import { runLine } from "./line-runner.ts";
import { mark } from "./marks.ts";
import { PlainLines } from "./plain-lines.ts";
import { Terminal } from "./terminal.ts";

/** Whose shell it is, and what bounds it. */
export interface ShellVisitor extends Visitor {
  /** Counts its shells; undefined = it has all that it may have. */
  readonly admitShell: () => Disposable | undefined;
  /** Ends when nothing was typed for so long, milliseconds. */
  readonly idleMs: number;
}

/** Why a shell ended otherwise than by its client's `exit`. */
type EndReason = "left" | "revoked" | "limit" | "audit" | "shutdown";

const timeIsOver = "The time that policy allows is over.";
const codes: Partial<Record<EndReason, ErrorCode>> = {
  revoked: "revoked",
  limit: "limit_exceeded",
  audit: "audit_unavailable",
  shutdown: "shutting_down",
};
const usualColumns = 80;
/** Packets of one paste follow each other sooner, people who read do not. */
const patience = { enterMs: 25, questionMs: 300 };
/** So long a client may take to read the last of it. */
const unreadMs = 200;
const mayNotRun = 126;

/** One interactive login: permitted as a whole, by itself or by people, before its first line. */
export class ShellSession {
  readonly #channel: ServerChannel;
  readonly #pty: PseudoTtyOptions | undefined;
  readonly #visitor: ShellVisitor;
  readonly #terminal: Terminal;
  readonly #gone = new AbortController();
  #shell: GuardedShell | undefined;
  #source: PlainLines | EditedLines | undefined;
  #recording: Recording | undefined;
  #columns: number;
  #end: { readonly reason: EndReason; readonly message: string } | undefined;
  #status = 0;
  #closing: Promise<void> | undefined;

  constructor(channel: ServerChannel, pty: PseudoTtyOptions | undefined, visitor: ShellVisitor) {
    this.#channel = channel;
    this.#pty = pty;
    this.#visitor = visitor;
    this.#columns = columnsOf(pty?.cols);
    this.#terminal = new Terminal(channel, pty !== undefined);
    channel.on("error", () => {});
    channel.once("close", () => this.#stop("left", "The client went away."));
    if (pty !== undefined) channel.on("data", this.#typedTooEarly);
  }

  /** What is typed before the shell is permitted is lost; Ctrl-C and Ctrl-D give it up. */
  readonly #typedTooEarly = (data: Buffer): void => {
    if (data.includes(0x03) || data.includes(0x04)) this.#stop("left", "The client took it back.");
  };

  /** A signal of the client's own (RFC 4254 §6.9). */
  signal(name: string): void {
    if (name === "INT") this.#shell?.interrupt();
    else this.#stop("left", `The client sent ${name.slice(0, 20)}.`);
  }

  /** The client's window has another size. */
  resize(rows: number, columns: number): void {
    this.#columns = columnsOf(columns);
    this.#source?.resize(this.#columns);
    this.#recording?.resize({ columns, rows });
  }

  /** The sidecar stops: a line that runs may end, no other begins. */
  drain(): void {
    if (!this.#shell?.isBusy) {
      this.#stop("shutdown", "The sidecar is shutting down.");
      return;
    }
    this.#refuse("The sidecar is shutting down: this line may end, then the shell does.");
    this.#shell.finish();
  }

  /** Ends when the shell has; false when policy permits none, and the client has been told nothing. */
  async run(): Promise<boolean> {
    const { host, native, admitShell } = this.#visitor;
    const connection = host.random(18).toString("base64url");
    const operation: SshSubsystem = { kind: "ssh.subsystem", subsystem: guardedShell, connection: { id: connection } };
    const own: OwnConnection = {
      dispatch: (_operation, _role, limits, options) => this.#dispatch(limits, options),
      cut: (reason) => this.#stop(reason.startsWith("Revoked") ? "revoked" : "shutdown", reason),
    };
    try {
      using gate = native(connection, own);
      if ((await gate.ask(operation)).effect === "deny") {
        this.#channel.off("data", this.#typedTooEarly);
        return false;
      }
      using place = admitShell();
      if (place === undefined) throw new CountersignError("too_many_requests", "You have as many shells open as you may have.");
      const client = { pending: ({ approvalUrl }: { approvalUrl: string }) => this.#terminal.say(waitingText(approvalUrl)) };
      const { state, failure, requestId } = await gate.run(operation, client, this.#gone.signal);
      if (failure !== undefined && this.#shell === undefined)
        this.#refuse(this.#end?.message ?? failureText(state, failure, requestId));
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      this.#refuse(error.message);
    }
    await this.#close();
    return true;
  }

  #refuse(why: string): void {
    this.#terminal.say(mark("refused", why, this.#terminal.isPty));
    this.#status = mayNotRun;
  }

  #dispatch(limits: Limits, { signal, record }: DispatchOptions): Dispatch {
    const began = performance.now();
    const taken = () => this.#stop("revoked", "It was taken back.");
    return {
      prepare: async () => null,
      run: async () => {
        signal.addEventListener("abort", taken, { once: true });
        const { timeMs } = limits;
        const late = timeMs === undefined ? undefined : setTimeout(() => this.#stop("limit", timeIsOver), timeMs);
        try {
          await this.#record(record);
          const status = this.#end === undefined ? await this.#serve() : mayNotRun;
          if (this.#end === undefined) this.#status = status;
        } finally {
          clearTimeout(late);
          signal.removeEventListener("abort", taken);
        }
        return { ...this.#outcome(), rows: 0, bytes: this.#terminal.bytes, durationMs: performance.now() - began };
      },
      close: async () => {},
    };
  }

  /** That a shell begins is on record, or it does not begin. */
  async #record(record: RecordSession | undefined): Promise<void> {
    const size = { columns: this.#columns, rows: this.#pty?.rows ?? 24 };
    try {
      if (record === undefined) throw new TypeError("nobody records the session");
      this.#recording = await record({ kind: "shell", title: `guarded shell on ${this.#visitor.name}`, size });
    } catch {
      this.#stop("audit", "It cannot be recorded.");
      return;
    }
    this.#terminal.record(this.#recording);
    const { broken } = this.#recording;
    const stop = () => {
      const reason: unknown = broken.reason;
      if (reason instanceof CountersignError && reason.code === "revoked") this.#stop("revoked", reason.message);
      else this.#stop("audit", "It cannot be recorded any more.");
    };
    broken.addEventListener("abort", stop, { once: true });
  }

  async #serve(): Promise<number> {
    const { name, idleMs } = this.#visitor;
    const [terminal, recording] = [this.#terminal, this.#recording];
    const history: string[] = [];
    this.#channel.off("data", this.#typedTooEarly);
    const source =
      this.#pty === undefined
        ? new PlainLines(this.#channel, mostLineBytes)
        : new EditedLines(this.#channel, terminal, {
            ...{ columns: this.#columns, complete: completions, history, mostBytes: mostLineBytes },
            ...{ onInterrupt: () => shell.interrupt(), patience },
          });
    const noted = recording && {
      line: (text: string) => noteLine(recording, text),
      mark: (text: string) => recording.mark(text),
    };
    const visitor = this.#visitor;
    const native: Visitor["native"] = (id, own) => visitor.native(id, own, `guarded shell ${recording?.id ?? ""}`);
    const shell = new GuardedShell({
      ...{ name, terminal, source, history, ...(noted && { noted }) },
      run: (command, watcher, signal) =>
        runLine({ ...visitor, native }, command, watcher, AbortSignal.any([signal, this.#gone.signal])),
    });
    this.#source = source;
    this.#shell = shell;
    const idle = setTimeout(() => {
      if (shell.isBusy) idle.refresh();
      else this.#stop("limit", `Nothing was typed for ${Math.round(idleMs / 1000)} s.`);
    }, idleMs);
    this.#channel.on("data", () => idle.refresh());
    try {
      return await shell.run();
    } finally {
      clearTimeout(idle);
      source.close();
    }
  }

  /** Ends the shell, whatever runs in it: the client is told why and cut off in the same turn. The first reason counts. */
  #stop(reason: EndReason, message: string): void {
    if (this.#end !== undefined) return;
    this.#end = { reason, message };
    this.#shell?.finish();
    this.#gone.abort(message);
    if (reason === "left" || this.#shell === undefined) return;
    this.#terminal.settle();
    // What nothing more goes into does not keep the last words from the client.
    if (reason === "audit" || this.#recording?.broken.aborted) this.#terminal.record(undefined);
    this.#refuse(`The shell has ended: ${message}`);
    this.#terminal.end();
    void this.#close();
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeWhenShown();
    return this.#closing;
  }

  /** A client that does not read does not keep its channel for that. */
  async #closeWhenShown(): Promise<void> {
    const shown = this.#terminal.drained().then(() => true);
    const isShown = await Promise.race([shown, sleep(unreadMs, false, { ref: false })]);
    this.#terminal.abandon();
    this.#channel.exit(this.#status);
    if (isShown) this.#channel.end();
    else this.#channel.close();
  }

  #outcome(): Pick<Outcome, "state" | "failure" | "exit"> {
    const { reason, message } = this.#end ?? {};
    if (reason === undefined) return { state: "succeeded", exit: { code: this.#status } };
    const failure = { message: `The shell has ended: ${message}`, retryable: false };
    return { state: "failed", failure: { code: codes[reason] ?? "cancelled", ...failure } };
  }
}

/** What was given to the shell, beside what it showed. Once the recording is broken nothing of it runs. */
function noteLine(recording: Recording, text: string): void {
  if (!recording.broken.aborted) recording.input(Buffer.from(`${text}\n`))?.catch(() => {});
}

/** Of its window; a client may say anything. */
function columnsOf(columns: number | undefined): number {
  return columns === undefined || columns === 0 ? usualColumns : Math.min(Math.max(columns, 4), 1000);
}
