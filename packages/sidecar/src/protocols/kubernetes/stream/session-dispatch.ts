import {
  CountersignError,
  type Failure,
  type Json,
  type KubernetesRequest,
  type Limits,
  type Outcome,
} from "@countersign/policy";
import { notDispatched } from "../../../dispatch.ts";
import type { Recording } from "../../../sessions/recording.ts";
import type { Dispatch, RecordSession, ResultSink } from "../../connector.ts";
import type { TargetCredential } from "../../request/credential.ts";
import { unreachable } from "../../request/exchange.ts";
import { unsentFailure } from "../../request/failure.ts";
import { type Field, fieldsForTarget } from "../../request/fields.ts";
import { Scrubber } from "../../request/scrubber.ts";
import type { EarlyConnection } from "../../request/upgrade/early-connection.ts";
import type { SpareConnections } from "../../request/upgrade/spare-connections.ts";
import { Stop } from "../../stop.ts";
import type { StreamError } from "./codec.ts";
import { lostFailure, refusedFailure, stopFailures, unknownFailure, unrecordedFailure } from "./failure.ts";
import type { FarSide } from "./far-side.ts";
import { type PodStream, type ReadPod, requireSamePod } from "./pod.ts";
import { Session } from "./session.ts";
import type { StreamEnd } from "./status.ts";
import { type StreamUpstream, TargetStream, type Unopened } from "./target-stream.ts";

/** What one dispatch needs of its connector. */
export interface SessionParts {
  readonly operation: KubernetesRequest;
  readonly stream: PodStream & { readonly tty: boolean; readonly stdin: boolean };
  readonly readOnly: boolean;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly record: RecordSession | undefined;
  readonly upstream: StreamUpstream;
  readonly spares: Pick<SpareConnections, "take">;
  readonly credential: TargetCredential;
  /** Reads with the role's credential. */
  readonly read: ReadPod;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Whoever has it. @param left ends it: the far side has gone. */
  readonly farSide: (sink: ResultSink, left: (why: Failure) => void) => FarSide;
}

type Ending = Pick<Outcome, "state" | "failure" | "exit">;
type Injected = Awaited<ReturnType<TargetCredential["read"]>>;

/** One `exec` or `attach` on its way. */
export class SessionDispatch implements Dispatch {
  readonly #parts: SessionParts;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #injected: Injected | undefined;
  #early: EarlyConnection | undefined;
  /** Fulfilled when it is still the one that was asked for. */
  #pod: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  /** The pod is asked for again, and its connection made, while the intent is recorded. Nothing of the command has been sent. */
  async prepare(): Promise<Json> {
    const { operation, stream, read, credential, spares } = this.#parts;
    this.#injected = await credential.read();
    this.#early = spares.take();
    this.#pod = requireSamePod(operation, stream, read);
    // Heard by `run`, if it comes to that.
    this.#pod.catch(() => {});
    return null;
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits, stream } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    let recording: Recording | undefined;
    try {
      recording = stream.tty ? await this.#record() : undefined;
    } catch {
      return this.#outcome({ state: "failed", failure: unrecordedFailure() }, 0);
    }
    const far = this.#parts.farSide(sink, (why) => this.#stop.abandon(why));
    if (recording !== undefined) far.recording = recording;
    const output = recording === undefined ? far.sink : recordedSink(far.sink, recording);
    const session = new Session(output, limits, this.#stop, (bytes) => far.status(this.#hidden(bytes)));
    const ending = await this.#run(session, far);
    far.end(asTold(ending, this.#parts.signal));
    return this.#outcome(ending, session.bytes);
  }

  async close(): Promise<void> {
    this.#early?.[Symbol.dispose]();
    this.#stop[Symbol.dispose]();
  }

  async #record(): Promise<Recording> {
    const { record, stream } = this.#parts;
    if (record === undefined) throw new TypeError("nobody records the session");
    const title = `${stream.namespace}/${stream.name} ${stream.container}`;
    const recording = await record({ kind: "exec", title, size: { columns: 80, rows: 24 } });
    // In the turn in which the log refuses, or an approver cuts it: nothing more is shown or typed.
    recording.broken.addEventListener("abort", () => this.#stop.abandon(brokenFailure(recording.broken)), { once: true });
    return recording;
  }

  async #run(session: Session, far: FarSide): Promise<Ending> {
    const { upstream, operation } = this.#parts;
    const { signal } = this.#stop;
    if (this.#injected === undefined || this.#early === undefined) throw new TypeError("run() before prepare()");
    const another = await this.#anotherPod();
    const failure = this.#stop.reason ?? another;
    if (failure) return { state: "failed", failure };
    const { fields } = this.#injected;
    const request = {
      path: operation.path,
      fields: [...ownFields(operation), ...fields],
      versions: far.versions,
    };
    const target = await TargetStream.open({ ...upstream, connect: this.#early.take }, request, session, signal);
    if (!(target instanceof TargetStream)) return this.#unopened(target);
    far.begin(target, signal);
    const breach = await session.follow(target);
    return this.#ended(session.end, breach);
  }

  /** Why nothing may be run in the pod that has its name now. */
  async #anotherPod(): Promise<Failure | undefined> {
    try {
      await this.#pod;
      return undefined;
    } catch (error) {
      return notDispatched(error).failure;
    }
  }

  #unopened(why: Unopened): Ending {
    const { reason } = this.#stop;
    if (why.type === "lost") return this.#inDoubt(reason);
    if (why.type === "unsent") return { state: "failed", failure: reason ?? unsentFailure(unreachable(why.error)) };
    return { state: "failed", failure: refusedFailure(String(why.status), this.#words(why.message)) };
  }

  #ended(end: StreamEnd | undefined, breach: StreamError | undefined): Ending {
    const { reason } = this.#stop;
    if (end?.type === "exited")
      return reason ? { state: "failed", failure: reason, exit: end.exit } : { state: "succeeded", exit: end.exit };
    if (reason !== undefined || end === undefined) return this.#inDoubt(reason, breach);
    return { state: "failed", failure: refusedFailure(end.reason || "Failure", this.#words(end.message)) };
  }

  /** It was begun, and the target did not say how it ended. */
  #inDoubt(reason: Failure | undefined, breach?: StreamError): Ending {
    const { readOnly, stream } = this.#parts;
    if (readOnly) return { state: "failed", failure: reason ?? lostFailure() };
    // What it had done is in the recording; there is nothing that a person could still find out.
    if (stream.tty && reason !== undefined) return { state: "failed", failure: reason };
    const lost = "The connection to the target was lost while the command ran; it may still be running.";
    const why = breach === undefined ? lost : `The target sent ${breach.message}, which is no part of a session: it was cut.`;
    return { state: "unknown", failure: unknownFailure(reason?.message ?? why) };
  }

  /** Words of the target's without the credential. */
  #words(words: string): string {
    return this.#hidden(Buffer.from(words)).toString();
  }

  #hidden(bytes: Buffer): Buffer {
    const [, clean] = new Scrubber(this.#injected?.secrets ?? []).field(["", bytes.toString("latin1")]);
    return Buffer.from(clean, "latin1");
  }

  #outcome(ending: Ending, bytes: number): Outcome {
    return { ...ending, rows: 0, bytes, durationMs: this.#elapsedMs() };
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

/** Records before, and while, it is sent; what cannot be recorded is not sent. */
function recordedSink(sink: ResultSink, recording: Recording): ResultSink {
  return async (chunk) => {
    if (chunk.type !== "output") return;
    await Promise.all([recording.output(chunk.data), sink(chunk)]);
  };
}

/** Whose wish it was is known to whoever asked, and to the guard, which says so in the outcome. */
function asTold({ state, failure }: Ending, { aborted, reason }: AbortSignal): Ending {
  if (failure === undefined || !aborted || typeof reason !== "string") return { state, ...(failure && { failure }) };
  return { state, failure: { ...failure, message: failure.message.replace("Cancelled", reason.replace(/\.$/, "")) } };
}

/** What is asked for besides the upgrade itself, which is made anew. */
function ownFields({ headers }: KubernetesRequest): readonly Field[] {
  const own = fieldsForTarget(headers).filter(([name]) => !/^sec-websocket-/i.test(name));
  return own.some(([name]) => name.toLowerCase() === "user-agent") ? own : [...own, ["user-agent", "Countersign"]];
}

/** Why a recording ended the session. */
function brokenFailure({ reason }: AbortSignal): Failure {
  if (!(reason instanceof CountersignError) || reason.code === "audit_unavailable") return unrecordedFailure();
  return { code: reason.code, message: reason.message, retryable: false };
}
