import { type Readable, Transform } from "node:stream";
import { CountersignError, type Json, type Outcome } from "@countersign/policy";
import type { PseudoTtyOptions } from "ssh2";
import type { Recording } from "../../sessions/recording.ts";
import type { Dispatch, RecordSession, ResultSink } from "../connector.ts";
import { Stop } from "../stop.ts";
import type { CommandChannel } from "./command-channel.ts";
import { type DispatchParts, failureOf } from "./command-dispatch.ts";
import { refusedFailure, stopFailures, unknownFailure, unrecordedFailure } from "./failure.ts";
import type { LoggedIn } from "./login.ts";
import { Output } from "./output.ts";
import type { Lease } from "./pool.ts";

/** The terminal of the client that has the session. */
export interface TerminalStreams {
  readonly terminal: PseudoTtyOptions;
  readonly input: Readable;
  /** What players show. */
  readonly title: string;
  /** Hears how signals and sizes of the window are passed on while it runs. */
  readonly started: (running: RunningTerminal) => void;
}

/** A terminal session that runs. */
export interface RunningTerminal {
  signal(name: string): void;
  setWindow(rows: number, columns: number, height: number, width: number): void;
}

/** After this a host that does not end the session is left alone with it: nobody hears of it any more. */
const closeMs = 100;

type Ending = Pick<Outcome, "state" | "failure" | "exit">;

/** The user's own shell on the target, in a terminal, with everything recorded that is shown and typed. */
export class SessionDispatch implements Dispatch {
  readonly #parts: DispatchParts;
  readonly #client: TerminalStreams;
  readonly #record: RecordSession | undefined;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #lease: Lease | undefined;
  #loggedIn: LoggedIn | undefined;
  #isHealthy = false;

  /** @param record Without it nothing begins: what is not recorded does not happen. */
  constructor(parts: DispatchParts, client: TerminalStreams, record: RecordSession | undefined) {
    this.#parts = parts;
    this.#client = client;
    this.#record = record;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  async prepare(): Promise<Json> {
    const { acquire, login, signal } = this.#parts;
    this.#lease = await acquire(signal);
    // No command is forced: it is for a minute, and for a terminal alone; nothing is forwarded.
    this.#loggedIn = await login.prepare({ forceCommand: undefined, terminal: true, forwarding: false });
    this.#isHealthy = true;
    return { hostKey: this.#lease.transport.hostKey, ...this.#loggedIn.marker };
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    let recording: Recording;
    try {
      if (this.#record === undefined) throw new TypeError("nobody records the session");
      const { cols = 80, rows = 24 } = this.#client.terminal;
      recording = await this.#record({ kind: "terminal", title: this.#client.title, size: { columns: cols, rows } });
    } catch {
      return this.#outcome({ state: "failed", failure: unrecordedFailure() }, 0);
    }
    const output = new Output(recorded(sink, recording), limits, this.#stop);
    // In the turn in which the log refuses: nothing more is shown or typed.
    recording.broken.addEventListener("abort", () => this.#stop.abandon(unrecordedFailure()), { once: true });
    return this.#outcome(await this.#run(output, recording), output.bytes);
  }

  async close(): Promise<void> {
    this.#stop[Symbol.dispose]();
    this.#lease?.giveBack(this.#isHealthy);
    this.#lease = undefined;
  }

  async #run(output: Output, recording: Recording): Promise<Ending> {
    const [lease, loggedIn] = [this.#lease, this.#loggedIn];
    if (lease === undefined || loggedIn === undefined) throw new TypeError("run() before prepare()");
    const { transport } = lease;
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
      running = await transport.shell(this.#client.terminal);
    } catch (error) {
      if (!transport.isOpen || error instanceof CountersignError) return lost;
      return { state: "failed", failure: refusedFailure("a terminal", error) };
    }
    return this.#follow(running, output, recording);
  }

  async #follow(running: CommandChannel, output: Output, recording: Recording): Promise<Ending> {
    const { channel, closed } = running;
    const { input, started } = this.#client;
    output.from(channel, "stdout");
    output.from(channel.stderr, "stderr");
    const typed = recordedInput(recording);
    input.pipe(typed).pipe(channel);
    started({
      signal: (name) => channel.signal(name),
      setWindow: (rows, columns, height, width) => {
        recording.resize({ columns, rows });
        channel.setWindow(rows, columns, height, width);
      },
    });
    await this.#stop.orAsked(closed);
    input.unpipe(typed);
    typed.unpipe(channel);
    const { reason } = this.#stop;
    if (reason !== undefined) await cut(running);
    await output.drained();
    const why = reason ?? this.#stop.reason;
    const { exit } = running;
    // What it had done stays done, and is in the recording; there is nothing that a person could still find out.
    if (why !== undefined) return { state: "failed", failure: ofSession(why), ...(exit && { exit }) };
    if (exit === undefined) return lost;
    this.#isHealthy = true;
    return { state: "succeeded", exit };
  }

  #outcome(ending: Ending, bytes: number): Outcome {
    return { ...ending, rows: 0, bytes, durationMs: this.#elapsedMs() };
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

const lost: Ending = {
  state: "unknown",
  failure: unknownFailure(
    "The connection to the target was lost during the session; what was started in it may still be running.",
  ),
};

/** A failure of a command, in the words of a session. */
function ofSession(failure: NonNullable<Outcome["failure"]>): NonNullable<Outcome["failure"]> {
  return { ...failure, message: failure.message.replace("the command was stopped", "the session was cut") };
}

/** Records before, and while, it is sent; what cannot be recorded is not sent. */
function recorded(sink: ResultSink, recording: Recording): ResultSink {
  return async (chunk) => {
    if (chunk.type !== "output") return;
    await Promise.all([recording.output(chunk.data), sink(chunk)]);
  };
}

function recordedInput(recording: Recording): Transform {
  const take = async (data: Buffer) => recording.input(data);
  return new Transform({
    transform: (data: Buffer, _encoding, done) => {
      take(data).then(
        () => done(null, data),
        // It is being cut.
        () => done(),
      );
    },
  });
}

/** Ends the session: its terminal goes away, which tells whatever runs in it (HUP). */
async function cut({ channel, closed }: CommandChannel): Promise<void> {
  channel.signal("HUP");
  channel.close();
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => late.resolve(), closeMs);
  await Promise.race([closed, late.promise]);
  clearTimeout(timer);
}
