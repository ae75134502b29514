import type { Readable } from "node:stream";
import { type Body, bodyBytes, CountersignError, type Json, type Limits, type Outcome, type SshExec } from "@countersign/policy";
import type { ClientChannel, PseudoTtyOptions } from "ssh2";
import type { Dispatch, ResultSink } from "../connector.ts";
import { Stop } from "../stop.ts";
import type { CommandChannel } from "./command-channel.ts";
import { lostFailure, refusedFailure, stopFailures, unknownFailure } from "./failure.ts";
import type { LoggedIn, Login } from "./login.ts";
import { Output } from "./output.ts";
import type { Lease } from "./pool.ts";

/** What one dispatch needs of its connector. */
export interface DispatchParts {
  readonly readOnly: boolean;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly acquire: (signal: AbortSignal) => Promise<Lease>;
  readonly login: Login;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** What an unmodified client brings along. */
export interface ClientStreams {
  /** Passed on as it comes; absent = what the operation says. */
  readonly input?: Readable;
  /** Its terminal, where one is asked for. */
  readonly terminal?: PseudoTtyOptions;
  /** Hears how signals and sizes of the window are passed on while the command runs. */
  readonly started?: (running: Pick<ClientChannel, "signal" | "setWindow">) => void;
}

type Step = readonly [step: (channel: ClientChannel) => void, graceMs: number];

const closing: readonly Step[] = [[(channel) => channel.close(), 50]];
/** What is done to end a command, and how long it then has. */
const signalling: readonly Step[] = [
  [(channel) => channel.signal("TERM"), 120],
  [(channel) => channel.signal("KILL"), 50],
  ...closing.map(([step]) => [step, 30] as const),
];

type Ending = Pick<Outcome, "state" | "failure" | "exit">;

/** One command on its way. */
export class CommandDispatch implements Dispatch {
  readonly #operation: SshExec;
  readonly #parts: DispatchParts;
  readonly #client: ClientStreams;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #lease: Lease | undefined;
  #loggedIn: LoggedIn | undefined;
  #isHealthy = false;

  constructor(operation: SshExec, parts: DispatchParts, client: ClientStreams = {}) {
    this.#operation = operation;
    this.#client = client;
    this.#parts = parts;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  /** The host has proved who it is and everything is ready; nothing of the command has been sent, in a certificate neither. */
  async prepare(): Promise<Json> {
    const { acquire, login, signal } = this.#parts;
    this.#lease = await acquire(signal);
    const { command, tty = false } = this.#operation;
    this.#loggedIn = await login.prepare({ forceCommand: command, terminal: tty, forwarding: false });
    this.#isHealthy = true;
    return { hostKey: this.#lease.transport.hostKey, ...this.#loggedIn.marker };
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    const output = new Output(sink, limits, this.#stop);
    const ending = await this.#run(output);
    return { ...ending, rows: 0, bytes: output.bytes, durationMs: this.#elapsedMs() };
  }

  async close(): Promise<void> {
    this.#stop[Symbol.dispose]();
    this.#lease?.giveBack(this.#isHealthy);
    this.#lease = undefined;
  }

  async #run(output: Output): Promise<Ending> {
    const [lease, loggedIn] = [this.#lease, this.#loggedIn];
    if (lease === undefined || loggedIn === undefined) throw new TypeError("run() before prepare()");
    const { transport } = lease;
    const { command, tty, stdin } = this.#operation;
    if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
    this.#isHealthy = false;
    try {
      await loggedIn.logIn(transport);
    } catch (error) {
      return { state: "failed", failure: failureOf(error) };
    }
    if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
    let running: CommandChannel;
    try {
      running = await transport.exec(command, tty ? (this.#client.terminal ?? {}) : undefined);
    } catch (error) {
      if (!transport.isOpen || error instanceof CountersignError) return this.#lost();
      this.#isHealthy = true;
      return { state: "failed", failure: refusedFailure("to run the command", error) };
    }
    return this.#follow(running, output, stdin);
  }

  async #follow(running: CommandChannel, output: Output, stdin: Body | undefined): Promise<Ending> {
    const { channel, closed } = running;
    output.from(channel, "stdout");
    output.from(channel.stderr, "stderr");
    const { input, started } = this.#client;
    if (input === undefined) channel.end(stdin === undefined ? undefined : bodyBytes(stdin));
    else input.pipe(channel);
    started?.(channel);
    await this.#stop.orAsked(closed);
    input?.unpipe(channel);
    const { reason } = this.#stop;
    if (reason !== undefined) await stopCommand(channel, closed, this.#parts.login.isForOneCommand);
    await output.drained();
    // It may have been asked for while the last of the output was being taken.
    const why = reason ?? this.#stop.reason;
    const { exit } = running;
    if (exit === undefined) return why === undefined ? this.#lost() : this.#stopped(why);
    this.#isHealthy = true;
    return why === undefined ? { state: "succeeded", exit } : { state: "failed", failure: why, exit };
  }

  #lost(): Ending {
    if (this.#parts.readOnly) return { state: "failed", failure: lostFailure() };
    return {
      state: "unknown",
      failure: unknownFailure("The connection to the target was lost while the command ran; it may still be running."),
    };
  }

  /** Asked to stop, and the target did not say that it has. */
  #stopped(failure: NonNullable<Outcome["failure"]>): Ending {
    if (this.#parts.readOnly) return { state: "failed", failure };
    return {
      state: "unknown",
      failure: unknownFailure(`${failure.message} The target did not say how it ended; it may still be running.`),
    };
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

/**
 * Asks a command to end, then closes its channel: a quarter of a second in all, after which nothing more of it gets out. sshd passes no signal to
 * a forced command (session.c), so that with a certificate only the end of its input and output tells it, at once.
 */
async function stopCommand(channel: ClientChannel, closed: Promise<void>, isForced: boolean): Promise<void> {
  for (const [step, graceMs] of isForced ? closing : signalling) {
    step(channel);
    const timer = Promise.withResolvers<"late">();
    const late = setTimeout(() => timer.resolve("late"), graceMs);
    const ended = await Promise.race([closed.then(() => "ended" as const), timer.promise]);
    clearTimeout(late);
    if (ended === "ended") return;
  }
}

/** What a refusal before anything was sent is as a failure. */
export function failureOf(error: unknown): NonNullable<Outcome["failure"]> {
  if (!(error instanceof CountersignError))
    return { code: "internal", message: "An internal error; nothing ran.", retryable: false };
  const { code, message, retryable } = error;
  return { code, message, retryable };
}
