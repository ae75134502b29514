import { CountersignError, type Principal } from "@countersign/policy";
import type * as rpc from "@countersign/rpc";
import type * as grpc from "@grpc/grpc-js";
import { SharedCall } from "./shared-call.ts";

/** What a shared stream needs. */
export interface MultiplexParts {
  /** Who calls; asked when the stream opens and again for each call, so that a token's expiry ends its power. */
  readonly authenticate: (metadata: grpc.Metadata) => Principal | Promise<Principal>;
  /** Does what an Execute does. */
  readonly execute: (submit: rpc.SubmitRequest, principal: Principal, call: SharedCall) => Promise<void>;
  /** What a failed call tells its caller. */
  readonly explain: (error: unknown) => rpc.ErrorInfo;
  /** The status that a refused or broken stream ends with. */
  readonly fail: (error: unknown) => Partial<grpc.StatusObject>;
}

/** More calls than these on one stream fail; the protocol names the number. */
const mostCalls = 4096;
/** Frames that arise in one turn of the event loop travel in one message, unless it would grow beyond this, bytes. */
const messageBytes = 64 * 1024;

/** The gRPC stream that many calls share. */
type Stream = grpc.ServerDuplexStream<rpc.MultiplexRequest, rpc.MultiplexResponse>;

/**
 * Many Executes on one stream: an HTTP/2 stream for each costs more than a short call itself. When the stream breaks, every caller on it has
 * gone away.
 */
export class Multiplex {
  readonly #stream: Stream;
  readonly #parts: MultiplexParts;
  readonly #calls = new Map<number, SharedCall>();
  #frames: rpc.CallFrame[] = [];
  #bytes = 0;
  #scheduled = false;
  #lastCall = 0;
  /** Whether the transport takes no more for now. */
  #full = false;
  /** No new calls: the client has sent its last, or the sidecar stops. */
  #ending: "client" | "sidecar" | undefined;
  #over = false;

  constructor(stream: Stream, parts: MultiplexParts) {
    this.#stream = stream;
    this.#parts = parts;
    stream.once("cancelled", () => this.#drop());
    stream.once("close", () => this.#drop());
    stream.on("drain", () => this.#drained());
    void this.#serve();
  }

  /** Refuses new calls and ends the stream when those that are open have ended. */
  close(): void {
    this.#ending = "sidecar";
    this.#endWhenIdle();
  }

  /** Whether a call should wait before it sends more. */
  get full(): boolean {
    return this.#full;
  }

  /** Adds a call's frame; `bytes` is about its size. A call is no longer open after its last. */
  put(frame: rpc.CallFrame, bytes: number): void {
    if (this.#over) return;
    this.#frames.push(frame);
    this.#bytes += bytes;
    if (this.#bytes >= messageBytes) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
    if (frame.last) {
      this.#calls.delete(frame.call);
      this.#endWhenIdle();
    }
  }

  async #serve(): Promise<void> {
    try {
      await this.#parts.authenticate(this.#stream.metadata);
    } catch (error) {
      this.#break(error);
      return;
    }
    this.#stream.on("data", ({ frames }: rpc.MultiplexRequest) => {
      try {
        for (const frame of frames) if (!this.#over) this.#take(frame);
      } catch (error) {
        this.#break(error);
      }
    });
    this.#stream.on("end", () => {
      this.#ending ??= "client";
      this.#endWhenIdle();
    });
  }

  /** @throws {CountersignError} `invalid_request` for a frame that breaks the protocol's rules. */
  #take({ call, frame }: rpc.CallerFrame): void {
    switch (frame?.$case) {
      case "execute":
        if (call <= this.#lastCall)
          throw new CountersignError("invalid_request", `Call ${call} does not come after call ${this.#lastCall}.`);
        this.#lastCall = call;
        void this.#execute(call, frame.value);
        return;
      case "leave":
        this.#made(call)?.leave();
        this.#calls.delete(call);
        this.#endWhenIdle();
        return;
      case "credit":
        this.#made(call)?.credit(frame.value);
        return;
      default:
        throw new CountersignError("invalid_request", `Call ${call} has a frame of no known kind.`);
    }
  }

  /** A call that was made; `undefined` when it has ended. */
  #made(call: number): SharedCall | undefined {
    if (call < 1 || call > this.#lastCall) throw new CountersignError("invalid_request", `There was never a call ${call}.`);
    return this.#calls.get(call);
  }

  async #execute(number: number, submit: rpc.SubmitRequest): Promise<void> {
    const call = new SharedCall(number, this);
    try {
      this.#admit();
      this.#calls.set(number, call);
      const principal = await this.#parts.authenticate(this.#stream.metadata);
      if (!call.signal.aborted) await this.#parts.execute(submit, principal, call);
      call.end();
    } catch (error) {
      call.end(this.#parts.explain(error));
    }
  }

  /** @throws {CountersignError} `shutting_down`, `too_many_requests`: what a new call is refused with. */
  #admit(): void {
    if (this.#ending === "sidecar")
      throw new CountersignError("shutting_down", "The sidecar stops; nothing ran.", { retryable: true });
    if (this.#calls.size < mostCalls) return;
    const message = `${mostCalls} calls are open on this connection already; wait for some to end.`;
    throw new CountersignError("too_many_requests", message, { retryable: true });
  }

  #flush(): void {
    if (this.#over || this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    this.#full = !this.#stream.write({ frames, lastCall: undefined });
    // A client that asks and never listens would fill the memory with answers.
    if (this.#full) this.#stream.pause();
  }

  #drained(): void {
    this.#full = false;
    this.#stream.resume();
    for (const call of this.#calls.values()) call.proceed();
  }

  #endWhenIdle(): void {
    if (this.#ending === undefined || this.#calls.size > 0 || this.#over) return;
    this.#over = true;
    // What the client sent in the meantime was not looked at: it may safely make those calls again.
    this.#stream.write({ frames: this.#frames, lastCall: this.#lastCall });
    this.#stream.end();
  }

  #break(error: unknown): void {
    if (this.#over) return;
    this.#drop();
    this.#stream.emit("error", this.#parts.fail(error));
  }

  /** Nobody is there any more. */
  #drop(): void {
    this.#over = true;
    this.#frames = [];
    for (const call of this.#calls.values()) call.leave();
    this.#calls.clear();
  }
}
