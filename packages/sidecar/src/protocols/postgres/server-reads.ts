import { Socket } from "node:net";

/** A read fills so much at most; bytes. */
const firstBytes = 8 * 1024;
const mostBytes = 64 * 1024;

/** Takes what was read; gives whether nobody will look at it any more. */
export type TakeRead = (chunk: Buffer) => boolean;

/**
 * A server's socket whose bytes are read into the same memory again and again, as long as nobody keeps them. Memory for each read would be asked
 * for faster than it is collected when a result is large.
 */
export class ServerReads {
  readonly socket: Socket;
  #buffer: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  #take: TakeRead;

  /** Until {@link give} they are the socket's `data`, whose listeners may keep them. */
  constructor() {
    this.socket = new Socket({
      onread: {
        buffer: () => this.#buffer,
        callback: (size) => {
          this.#read(size);
          return true;
        },
      },
    });
    this.#take = (chunk) => {
      this.socket.emit("data", chunk);
      return false;
    };
  }

  /** Gives what is read from now on to somebody. */
  give(take: TakeRead): void {
    this.#take = take;
  }

  #read(size: number): void {
    const { length } = this.#buffer;
    const isDone = this.#take(this.#buffer.subarray(0, size));
    // There is more to read than fits, or what was read is kept.
    const next = size === length ? Math.min(2 * length, mostBytes) : length;
    if (!isDone || next !== length) this.#buffer = Buffer.allocUnsafeSlow(next);
  }
}
