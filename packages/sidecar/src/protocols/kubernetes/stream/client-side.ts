import type { Failure, Outcome } from "@countersign/policy";
import type { WebSocket } from "ws";
import type { Recording } from "../../../sessions/recording.ts";
import type { ResultSink } from "../../connector.ts";
import { decodeMessage, encodeMessage, StreamError, type StreamMessage } from "./codec.ts";
import { breachFailure, leftFailure } from "./failure.ts";
import type { FarSide } from "./far-side.ts";
import type { StreamVersion } from "./subprotocol.ts";
import type { TargetStream } from "./target-stream.ts";
import { readSize } from "./terminal-size.ts";

/** A client that waits for its WebSocket. */
export interface WaitingUpgrade {
  /** Gives it its WebSocket, by the subprotocol that was chosen; undefined = it has left. */
  take(protocol: string): WebSocket | undefined;
}

/** What a client's session is. */
export interface ClientTerms {
  /** The versions that it offers, in its order. */
  readonly versions: readonly StreamVersion[];
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Ends the session: the client left, or is none. */
  readonly left: (why: Failure) => void;
}

/** So much of a client's input waits for the target; then the client is held up. */
const mostWaiting = 256 * 1024;

/** How client libraries sort failures (metav1.StatusReason); what is not here is on the target's side. */
const told: Readonly<Record<string, readonly [code: number, reason: string]>> = {
  revoked: [403, "Forbidden"],
  cancelled: [403, "Forbidden"],
  limit_exceeded: [403, "Forbidden"],
  invalid_request: [400, "BadRequest"],
};

/** The far side of an unmodified client: its own WebSocket. */
export class ClientSide implements FarSide {
  readonly versions: readonly StreamVersion[];
  /** Of a terminal. */
  recording: Recording | undefined;
  readonly #upgrade: WaitingUpgrade;
  readonly #terms: ClientTerms;
  #socket: WebSocket | undefined;
  #hasStatus = false;
  #waiting = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(upgrade: WaitingUpgrade, terms: ClientTerms) {
    this.#upgrade = upgrade;
    this.#terms = terms;
    this.versions = terms.versions;
  }

  readonly sink: ResultSink = (chunk) => {
    if (chunk.type === "output") return this.#send({ type: "data", channel: chunk.stream, data: Buffer.from(chunk.data) });
  };

  begin(target: TargetStream, signal: AbortSignal): void {
    const socket = this.#upgrade.take(target.version);
    if (socket === undefined) {
      this.#terms.left(leftFailure());
      return;
    }
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => {
      if (signal.aborted) return;
      try {
        if (!isBinary || !Buffer.isBuffer(data)) throw new StreamError("text");
        this.#take(decodeMessage(data, "client", target.version), target);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        this.#terms.left(breachFailure(error));
      }
    });
    socket.on("ping", (data) => socket.pong(data));
    socket.on("close", () => this.#terms.left(leftFailure()));
  }

  status(bytes: Buffer): void {
    this.#hasStatus = true;
    void this.#send({ type: "data", channel: "error", data: bytes });
  }

  end({ failure }: Pick<Outcome, "state" | "failure">): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    // kubectl prints the message, and ends with 1.
    const [code, reason] = told[failure?.code ?? ""] ?? [500, "InternalError"];
    const status = { metadata: {}, status: "Failure", reason, code, message: failure?.message ?? "It ended." };
    if (!this.#hasStatus) void this.#send({ type: "data", channel: "error", data: Buffer.from(JSON.stringify(status)) });
    socket.close(1000);
    const late = setTimeout(() => socket.terminate(), 1000);
    socket.once("close", () => clearTimeout(late));
  }

  #take(message: StreamMessage, target: TargetStream): void {
    const { tty, stdin } = this.#terms;
    if (message.channel === "stdin" && !stdin) throw new StreamError("input, for which it has not asked");
    if (message.channel === "resize" && !tty) throw new StreamError("the size of a terminal, for which it has not asked");
    const { recording } = this;
    if (message.type === "data" && message.channel === "resize") {
      const size = readSize(message.data);
      if (size === undefined) throw new StreamError("no size of a terminal");
      recording?.resize(size);
    }
    const size = message.type === "data" ? message.data.length : 0;
    this.#waiting += size;
    if (this.#waiting > mostWaiting) this.#socket?.pause();
    this.#queue = this.#queue
      .then(() => this.#pass(message, target))
      .then(
        () => {
          this.#waiting -= size;
          if (this.#waiting <= mostWaiting && this.#socket?.isPaused) this.#socket.resume();
        },
        // It is being cut: what cannot be recorded is not sent.
        () => {},
      );
  }

  async #pass(message: StreamMessage, target: TargetStream): Promise<void> {
    if (message.type === "data" && message.channel === "stdin") await this.recording?.input(message.data);
    await target.send(message);
  }

  #send(message: StreamMessage): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => socket.send(encodeMessage(message), () => resolve()));
  }
}
