import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A bare TCP relay that tells when given bytes go by towards the target. */
export class Relay implements AsyncDisposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #wanted: { readonly bytes: Buffer; readonly seen: (timeMs: number) => void } | undefined;

  private constructor(targetPort: () => number) {
    this.#server = createServer((client) => {
      const target = connect(targetPort(), "127.0.0.1");
      for (const socket of [client, target]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          client.destroy();
          target.destroy();
          this.#sockets.delete(socket);
        });
      }
      client.on("data", (data) => {
        if (this.#wanted !== undefined && data.includes(this.#wanted.bytes)) {
          this.#wanted.seen(performance.now());
          this.#wanted = undefined;
        }
        target.write(data);
      });
      target.on("data", (data) => client.write(data));
    });
  }

  /** Listens on a free port of the loopback. The target may be decided later. */
  static async open(targetPort: () => number): Promise<Relay> {
    const relay = new Relay(targetPort);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** When bytes that hold this text next go towards the target (`performance.now()`). */
  seen(text: string): Promise<number> {
    return new Promise((resolve) => {
      this.#wanted = { bytes: Buffer.from(text), seen: resolve };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
