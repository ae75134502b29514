import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server that keeps what went to it: what the server saw, not what somebody says that was sent. */
export class Recorder implements AsyncDisposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #seen: Buffer[] = [];

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
      client.on("data", (data: Buffer) => {
        this.#seen.push(data);
        target.write(data);
      });
      target.on("data", (data) => client.write(data));
    });
  }

  /** Listens on a free port of the loopback. The target may be decided later. */
  static async open(targetPort: () => number): Promise<Recorder> {
    const recorder = new Recorder(targetPort);
    await new Promise<void>((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections to the server that are open. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Whether these bytes went to the server since the last {@link forget}. */
  saw(text: string | Buffer): boolean {
    return Buffer.concat(this.#seen).includes(text);
  }

  /** How many times. */
  count(text: string): number {
    return Buffer.concat(this.#seen).toString("latin1").split(text).length - 1;
  }

  /** All of it. */
  get bytes(): Buffer {
    return Buffer.concat(this.#seen);
  }

  forget(): void {
    this.#seen = [];
  }

  /** Ends every connection as a broken network would. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
