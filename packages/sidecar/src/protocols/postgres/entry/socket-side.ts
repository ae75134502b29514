import type { Socket } from "node:net";
import type { ClientSide } from "./client-gate.ts";

/** How long a client may take to close its side, milliseconds. */
const lingerMs = 2000;

/** A client's socket as its gate has it. */
export class SocketSide implements ClientSide {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Buffer | readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    if (Buffer.isBuffer(bytes)) return socket.write(bytes);
    socket.cork();
    for (const one of bytes) socket.write(one);
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  get sent(): boolean {
    return this.#socket.writableLength === 0;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(last?: Buffer): void {
    const socket = this.#socket;
    if (last !== undefined && socket.writable) socket.end(last);
    else socket.end();
    // What it still sends is not read by anybody; left in the kernel, it would turn the close into a reset that takes our last words away.
    socket.resume();
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }
}
