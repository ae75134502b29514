import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import { addressOf, type SocketUpstream } from "./target-socket.ts";

/**
 * A connection to a target that is made while something else is waited for: the target's own word on what is asked, the record on disk. Nothing but
 * the handshake goes over it before it is taken.
 */
export class EarlyConnection implements Disposable {
  readonly #connect: buildConnector.connector;
  readonly #made: Promise<Socket | undefined>;
  #isTaken = false;

  /** Begins at once. */
  constructor({ origin, connect }: SocketUpstream) {
    this.#connect = connect;
    this.#made = new Promise((resolve) => {
      connect(addressOf(origin), (error, socket) => {
        if (error !== null) return resolve(undefined);
        // Nobody else hears it yet; what became of it is seen when it is taken.
        socket.on("error", ignore);
        resolve(socket);
      });
    });
  }

  /** Gives it, once; another one when it has failed or was closed meanwhile: nothing was sent over it. */
  readonly take: buildConnector.connector = (to, done) => {
    const isFirst = !this.#isTaken;
    this.#isTaken = true;
    if (!isFirst) return this.#connect(to, done);
    void this.#made.then((socket) => {
      socket?.off("error", ignore);
      if (socket === undefined || !socket.writable || !socket.readable) return this.#connect(to, done);
      done(null, socket);
    });
  };

  /** Closes it unless it was taken. */
  [Symbol.dispose](): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    void this.#made.then((socket) => socket?.destroy());
  }
}

function ignore(): void {}
