import {
  bodyOf,
  CountersignError,
  type Limits,
  type Operation,
  type Outcome,
  type SshExec,
  type SshSubsystem,
  terminalSession,
} from "@countersign/policy";
import type { PseudoTtyOptions, ServerChannel } from "ssh2";
import type { NativeHost } from "../../../native/listener.ts";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Ended, WaitingClient } from "../../../native/waiting-client.ts";
import { goesBy } from "../../../spent-buffers.ts";
import type { Dispatch, DispatchOptions, ResultSink } from "../../connector.ts";
import type { ClientStreams } from "../command-dispatch.ts";
import type { SshTarget } from "../connector.ts";
import type { RunningTerminal, TerminalStreams } from "../session-dispatch.ts";
import { type CapturePatience, capture } from "./captured-input.ts";
import { failureText, printable, waitingText } from "./words.ts";

/** Who asks, and of what. */
export interface Visitor {
  readonly host: NativeHost;
  readonly target: SshTarget;
  /** The resource's name. */
  readonly name: string;
  /** Makes the gate of one operation, on a connection of its own. @param session What it is part of. */
  readonly native: (connection: string, own: OwnConnection, session?: string) => NativeGate;
  readonly patience: CapturePatience;
}

/** One thing that a client has asked for on a session: a command, perhaps with a terminal; or a terminal alone, with the target's own shell in it. */
export type Asked =
  | { readonly command: string; readonly terminal: PseudoTtyOptions | undefined }
  | { readonly session: typeof terminalSession; readonly terminal: PseudoTtyOptions };

/** Exit statuses as shells give them: found, but it may not be run; and what ssh itself ends with when it could not do it. */
const mayNotRun = 126;
const couldNot = 255;

const controlC = 3;
const controlD = 4;

/** Runs one command for a client: accepted at once, decided about, held where a person has to agree, and then run with the client's own streams. */
export class CommandSession {
  readonly #channel: ServerChannel;
  readonly #asked: Asked;
  readonly #visitor: Visitor;
  readonly #gone = new AbortController();
  #running: RunningTerminal | undefined;
  /** As it was last changed. */
  #size: Pick<PseudoTtyOptions, "rows" | "cols" | "height" | "width"> = {};
  #outcome: Outcome | undefined;

  constructor(channel: ServerChannel, asked: Asked, visitor: Visitor) {
    this.#channel = channel;
    this.#asked = asked;
    this.#visitor = visitor;
    channel.on("error", () => {});
    channel.once("close", () => this.#gone.abort("The client left."));
  }

  /** A signal from the client: before the command runs, it takes the request back. */
  signal(name: string): void {
    if (this.#running) this.#running.signal(name);
    else this.#gone.abort("The client sent a signal.");
  }

  /** The client's window has another size. */
  resize(rows: number, columns: number, height: number, width: number): void {
    this.#size = { rows, cols: columns, height, width };
    this.#running?.setWindow(rows, columns, height, width);
  }

  /** Ends when the client has been told how it ended. Never rejects. */
  async run(): Promise<void> {
    const { host, native } = this.#visitor;
    const connection = host.random(18).toString("base64url");
    const streams: { input?: ServerChannel } = {};
    const own: OwnConnection = {
      accept: (operation) => {
        if (operation.kind === "ssh.exec") this.#visitor.target.acceptCommand(operation.command);
      },
      dispatch: (operation, role, limits, options) => {
        const signal = AbortSignal.any([options.signal, this.#gone.signal]);
        return this.#toClient(this.#dispatch(operation, role, limits, { ...options, signal }, streams));
      },
      cut: (reason) => {
        this.#say(`countersign: ${reason}`);
        this.#gone.abort(reason);
      },
    };
    try {
      using gate = native(connection, own);
      const operation = await this.#operation(gate, connection, streams);
      this.#end(await gate.run(operation, this.#waiting(), this.#gone.signal));
    } catch (error) {
      if (error instanceof CountersignError) {
        // The caller or the resource is locked.
        this.#say(`countersign: ${printable(error.message)}`);
        this.#exit(mayNotRun);
        return;
      }
      host.onInternalError(error);
      this.#say("countersign: an internal error stopped it.");
      this.#exit(couldNot);
    }
  }

  #dispatch(
    operation: Operation,
    role: string,
    limits: Limits,
    options: DispatchOptions,
    streams: { readonly input?: ServerChannel },
  ): Dispatch {
    const { target } = this.#visitor;
    if ("command" in this.#asked && operation.kind === "ssh.exec")
      return target.relay(asForTarget(operation), role, limits, options, this.#streams(streams));
    if ("session" in this.#asked && operation.kind === "ssh.subsystem" && operation.subsystem === terminalSession)
      return target.session(role, limits, options, this.#terminal(this.#asked.terminal));
    throw new TypeError("another kind of operation came back");
  }

  #operation(gate: NativeGate, id: string, streams: { input?: ServerChannel }): SshSubsystem | Promise<SshExec> {
    if ("command" in this.#asked) return this.#withInput(gate, this.#asked, id, streams);
    this.#channel.on("data", this.#typedTooEarly);
    return { kind: "ssh.subsystem", subsystem: terminalSession, streamed: true, connection: { id } };
  }

  /** What is typed before the session runs is lost: nobody has agreed to it yet. */
  readonly #typedTooEarly = (data: Buffer): void => {
    if (data.includes(controlC) || data.includes(controlD)) this.#gone.abort("The client took it back.");
  };

  #terminal(terminal: PseudoTtyOptions): TerminalStreams {
    return {
      ...{ terminal: { ...terminal, ...this.#size }, input: this.#channel, title: this.#visitor.name },
      started: (running) => {
        this.#channel.off("data", this.#typedTooEarly);
        this.#running = running;
      },
    };
  }

  /**
   * The operation, with the standard input as it may be connected (ssh-stdin): streamed where policy lets that run or an approval says `input: unseen`;
   * otherwise all of it captured and bound; otherwise none.
   */
  async #withInput(
    gate: NativeGate,
    { command, terminal }: Extract<Asked, { readonly command: string }>,
    id: string,
    streams: { input?: ServerChannel },
  ): Promise<SshExec> {
    const bare: SshExec = { kind: "ssh.exec", command, ...(terminal && { tty: true }), connection: { id } };
    const streamed: SshExec = { ...bare, streamed: true };
    // What cannot even be asked about is refused as it is.
    const decision = await gate.ask(streamed).catch(() => undefined);
    if (decision === undefined) return bare;
    if (decision.effect === "allow" || (decision.effect === "review" && decision.approval.input === "unseen")) {
      streams.input = this.#channel;
      return streamed;
    }
    const captured = await capture(this.#channel, this.#visitor.patience, this.#gone.signal);
    if (captured.type === "whole") return captured.bytes.length === 0 ? bare : { ...bare, stdin: bodyOf(captured.bytes) };
    if (captured.type === "endless") this.#say(`countersign: standard input is not connected: ${captured.why}.`);
    return bare;
  }

  #streams({ input }: { readonly input?: ServerChannel }): ClientStreams {
    const { terminal } = this.#asked;
    return {
      ...(input && { input }),
      ...(terminal && { terminal }),
      started: (running) => {
        this.#running = running;
      },
    };
  }

  /** The same dispatch, whose output goes to the client and not to those who watch the request. */
  #toClient(dispatch: Dispatch): Dispatch {
    const sink: ResultSink = (chunk) => {
      if (chunk.type !== "output") return;
      goesBy(chunk.data.length);
      const { promise, resolve } = Promise.withResolvers<void>();
      const stream = chunk.stream === "stderr" ? this.#channel.stderr : this.#channel;
      // Never two at once: ssh2 forgets one of them when both wait for the window.
      stream.write(chunk.data, () => resolve());
      return promise;
    };
    return {
      prepare: () => dispatch.prepare(),
      run: async () => {
        this.#outcome = await dispatch.run(sink);
        return this.#outcome;
      },
      close: () => dispatch.close(),
    };
  }

  #waiting(): WaitingClient {
    return {
      pending: ({ approvalUrl }) => this.#say(waitingText(approvalUrl)),
      replaced: ({ why }) => this.#say(`countersign: ${why}`),
    };
  }

  #end({ state, failure, requestId }: Ended): void {
    const exit = this.#outcome?.exit;
    if (failure !== undefined) this.#say(failureText(state, failure, requestId));
    if (exit !== undefined && "signal" in exit) this.#channel.exit(exit.signal, false, "");
    else if (exit !== undefined) this.#channel.exit(exit.code);
    else this.#channel.exit(this.#outcome === undefined && state !== "failed" ? mayNotRun : exitOf(failure?.code));
    this.#channel.end();
  }

  #exit(status: number): void {
    this.#channel.exit(status);
    this.#channel.end();
  }

  #say(text: string): void {
    // A client with a terminal has it in raw mode.
    const ending = this.#asked.terminal === undefined ? "\n" : "\r\n";
    this.#channel.stderr.write(text.replaceAll("\n", ending) + ending);
  }
}

/** What was refused before anything was sent may not run; what failed on the way could not be done. */
function exitOf(code: string | undefined): number {
  const refused = ["denied", "invalid_operation", "operation_too_large", "too_many_requests", "revoked", "cancelled"];
  return code !== undefined && refused.includes(code) ? mayNotRun : couldNot;
}

/** Without what only the guard needs to know. */
function asForTarget({ connection, streamed, ...operation }: SshExec): SshExec {
  return operation;
}
