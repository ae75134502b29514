import { bodyOf, CountersignError, type Outcome, type SshExec } from "@countersign/policy";
import type { PseudoTtyOptions, ServerChannel } from "ssh2";
import type { NativeHost } from "../../../native/listener.ts";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Ended, WaitingClient } from "../../../native/waiting-client.ts";
import type { Dispatch, ResultSink } from "../../connector.ts";
import type { ClientStreams } from "../command-dispatch.ts";
import type { SshTarget } from "../connector.ts";
import { type CapturePatience, capture } from "./captured-input.ts";
import { failureText, printable, waitingText } from "./words.ts";

/** Who asks, and of what. */
export interface Visitor {
  readonly host: NativeHost;
  readonly target: SshTarget;
  /** Makes the gate of one operation, on a connection of its own. */
  readonly native: (connection: string, own: OwnConnection) => NativeGate;
  readonly patience: CapturePatience;
}

/** One thing that a client has asked for on a session: a command, perhaps with a terminal. */
export interface Asked {
  readonly command: string;
  readonly terminal: PseudoTtyOptions | undefined;
}

/** Exit statuses as shells give them: found, but it may not be run; and what ssh itself ends with when it could not do it. */
const mayNotRun = 126;
const couldNot = 255;

/** Runs one command for a client: accepted at once, decided about, held where a person has to agree, and then run with the client's own streams. */
export class CommandSession {
  readonly #channel: ServerChannel;
  readonly #asked: Asked;
  readonly #visitor: Visitor;
  readonly #gone = new AbortController();
  #running: Parameters<NonNullable<ClientStreams["started"]>>[0] | undefined;
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
    this.#running?.setWindow(rows, columns, height, width);
  }

  /** Ends when the client has been told how it ended. Never rejects. */
  async run(): Promise<void> {
    const { host, native } = this.#visitor;
    const connection = host.random(18).toString("base64url");
    const streams: { input?: ServerChannel } = {};
    const own: OwnConnection = {
      dispatch: (operation, role, limits, options) => {
        if (operation.kind !== "ssh.exec") throw new TypeError("another kind of operation came back");
        const signal = AbortSignal.any([options.signal, this.#gone.signal]);
        return this.#toClient(
          this.#visitor.target.relay(asForTarget(operation), role, limits, { ...options, signal }, this.#streams(streams)),
        );
      },
      cut: (reason) => {
        this.#say(`countersign: ${reason}`);
        this.#gone.abort(reason);
      },
    };
    try {
      using gate = native(connection, own);
      const operation = await this.#withInput(gate, connection, streams);
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

  /**
   * The operation, with the standard input as it may be connected (ssh-stdin): streamed where policy lets that run or an approval says `input: unseen`;
   * otherwise all of it captured and bound; otherwise none.
   */
  async #withInput(gate: NativeGate, id: string, streams: { input?: ServerChannel }): Promise<SshExec> {
    const { command, terminal } = this.#asked;
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
