import { EventEmitter } from "node:events";
import {
  ErrorInfo,
  type ExecuteResponse,
  type MultiplexRequest,
  type MultiplexResponse,
  type SubmitRequest,
} from "@countersign/rpc";
import type { Metadata, ServerDuplexStream, ServiceError } from "@grpc/grpc-js";

/** An Execute, on a stream of its own or on a shared one. */
export interface ExecuteCall extends EventEmitter {
  readonly cancelled: boolean;
  write(response: ExecuteResponse, written?: () => void): boolean;
  end(): void;
}

/** What a stand-in agent does with the calls of a shared stream. */
export type Execute = (submit: SubmitRequest, call: ExecuteCall, metadata: Metadata) => void;

const windowBytes = 512 * 1024;

/** A shared stream at a stand-in agent; it notes what came. */
export class TestingStream {
  readonly stream: ServerDuplexStream<MultiplexRequest, MultiplexResponse>;
  readonly messages: MultiplexRequest[] = [];
  /** Whether the client has said that it sends no more. */
  ended = false;
  readonly #calls = new Map<number, SharedExecute>();

  constructor(stream: ServerDuplexStream<MultiplexRequest, MultiplexResponse>, execute: Execute) {
    this.stream = stream;
    stream.on("data", (message: MultiplexRequest) => {
      this.messages.push(message);
      for (const { call: number, frame } of message.frames) {
        const call = this.#calls.get(number);
        if (frame?.$case === "leave") call?.leave();
        if (frame?.$case === "credit") call?.credit(frame.value);
        if (frame?.$case !== "execute") continue;
        const fresh = new SharedExecute(number, stream);
        this.#calls.set(number, fresh);
        execute(frame.value, fresh, stream.metadata);
      }
    });
    stream.on("end", () => {
      this.ended = true;
      stream.end();
    });
    stream.once("cancelled", () => {
      for (const call of this.#calls.values()) call.leave();
    });
  }

  /** All frames of a kind that came. */
  frames(kind: "execute" | "leave" | "credit") {
    return this.messages.flatMap(({ frames }) => frames).filter(({ frame }) => frame?.$case === kind);
  }
}

/** A call of a shared stream, that looks as a call of its own would. */
class SharedExecute extends EventEmitter implements ExecuteCall {
  cancelled = false;
  readonly #number: number;
  readonly #stream: TestingStream["stream"];
  #behind = 0;

  constructor(number: number, stream: TestingStream["stream"]) {
    super();
    this.#number = number;
    this.#stream = stream;
    this.on("error", (error: Partial<ServiceError>) => this.#fail(error));
  }

  write({ events }: ExecuteResponse, written: () => void = () => {}): boolean {
    for (const { event } of events) if (event?.$case === "rows") this.#behind += event.value.data.length;
    this.#stream.write({ frames: [{ call: this.#number, events, failure: undefined, last: false }] }, written);
    return this.#behind < windowBytes;
  }

  end(failure?: ErrorInfo): void {
    this.#stream.write({ frames: [{ call: this.#number, events: [], failure, last: true }] });
  }

  credit(bytes: number): void {
    this.#behind -= bytes;
    if (this.#behind < windowBytes) this.emit("drain");
  }

  leave(): void {
    this.cancelled = true;
    this.emit("cancelled");
  }

  #fail(error: Partial<ServiceError>): void {
    const [info] = error.metadata?.get("countersign-error-bin") ?? [];
    if (Buffer.isBuffer(info)) this.end(ErrorInfo.decode(info));
    else this.#stream.emit("error", error);
  }
}
