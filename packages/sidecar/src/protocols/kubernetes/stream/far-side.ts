import { bodyBytes, type KubernetesRequest, type Outcome } from "@countersign/policy";
import type { Recording } from "../../../sessions/recording.ts";
import type { ResultSink } from "../../connector.ts";
import { type StreamVersion, versions } from "./subprotocol.ts";
import type { TargetStream } from "./target-stream.ts";

/** Whoever has a session: where its input comes from, where its output goes. */
export interface FarSide {
  /** What may be spoken, the best first. */
  readonly versions: readonly StreamVersion[];
  /** Takes the output. */
  readonly sink: ResultSink;
  /** Of a terminal: what is typed goes there, too. */
  recording?: Recording | undefined;
  /** It has begun: the input goes to the target, until `signal` is aborted. */
  begin(target: TargetStream, signal: AbortSignal): void;
  /** The target's Status as it came, without the credential. */
  status(bytes: Buffer): void;
  /** Nothing follows. */
  end(outcome: Pick<Outcome, "state" | "failure">): void;
}

/** The far side of a call: its input is in the operation. */
export class CallSide implements FarSide {
  readonly versions: readonly StreamVersion[];
  readonly sink: ResultSink;
  readonly #input: Buffer | undefined;

  /** @param sink takes the call's result. */
  constructor({ body }: KubernetesRequest, takesInput: boolean, sink: ResultSink) {
    this.#input = takesInput ? (body === undefined ? Buffer.alloc(0) : bodyBytes(body)) : undefined;
    // Only v5 can say that the input has ended; by v4 a command would wait for more of it for ever.
    this.versions = takesInput ? versions.slice(0, 1) : versions;
    this.sink = sink;
  }

  begin(target: TargetStream, signal: AbortSignal): void {
    if (this.#input !== undefined) void target.sendInput(this.#input, signal);
  }

  status(): void {}

  end(): void {}
}
