import { EarlyConnection } from "./early-connection.ts";
import type { SocketUpstream } from "./target-socket.ts";

/** Not as old as what a server closes because nothing is said on it, milliseconds. */
const spareMs = 2000;
/** More would be made by callers whose requests are held. */
const mostSpare = 4;

/** One that waits to be taken. */
interface Spare {
  readonly connection: EarlyConnection;
  readonly expiry: NodeJS.Timeout;
}

/** Connections to one target that are made while it is still decided what is asked for. Those that nobody takes soon are closed. */
export class SpareConnections implements Disposable {
  readonly #upstream: SocketUpstream;
  #spares: Spare[] = [];

  /** Nothing is connected yet. */
  constructor(upstream: SocketUpstream) {
    this.#upstream = upstream;
  }

  /** Somebody will want one, if it is allowed. */
  expect(): void {
    if (this.#spares.length >= mostSpare) return;
    const spare: Spare = {
      connection: new EarlyConnection(this.#upstream),
      expiry: setTimeout(() => this.#expired(spare), spareMs).unref(),
    };
    this.#spares.push(spare);
  }

  /** The oldest one, or a new one. Whoever has it disposes of it. */
  take(): EarlyConnection {
    const spare = this.#spares.shift();
    if (spare === undefined) return new EarlyConnection(this.#upstream);
    clearTimeout(spare.expiry);
    return spare.connection;
  }

  [Symbol.dispose](): void {
    const spares = this.#spares;
    this.#spares = [];
    for (const { connection, expiry } of spares) {
      clearTimeout(expiry);
      connection[Symbol.dispose]();
    }
  }

  #expired(spare: Spare): void {
    this.#spares = this.#spares.filter((other) => other !== spare);
    spare.connection[Symbol.dispose]();
  }
}
