import type { ClientSide } from "../entry/client-gate.ts";

/** A message of a client that waits for its turn. */
export interface Queued {
  readonly type: number;
  readonly frame: Buffer;
  /** Of CopyData: what of the message is still to come. -1 = the message was too large, and is not here. */
  readonly left: number;
}

/** What a client has sent and nobody may look at yet, in order. */
export class Backlog {
  readonly #client: Pick<ClientSide, "pause" | "resume">;
  #messages: Queued[] = [];
  #bytes = 0;
  #paused = false;

  constructor(client: Pick<ClientSide, "pause" | "resume">) {
    this.#client = client;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** How much of the client's is kept, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(message: Queued): void {
    this.#messages.push(message);
    this.#bytes += message.frame.length;
  }

  /** The message whose turn it is. */
  take(): Queued | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.frame.length;
    return message;
  }

  /** Nobody will look at any of it. */
  drop(): void {
    this.#messages = [];
  }

  /** A client whose messages wait for us sends no more; one that waits for approvers may leave, which only those notice who read. */
  regulate(isHeld: boolean): void {
    const pauses = !this.isEmpty && !isHeld;
    if (pauses === this.#paused) return;
    this.#paused = pauses;
    if (pauses) this.#client.pause();
    else this.#client.resume();
  }
}
