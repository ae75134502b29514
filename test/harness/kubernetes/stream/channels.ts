import type { PodSession } from "./pod-session.ts";

type Sent = "stdout" | "stderr" | "error";

const numbers: Readonly<Record<Sent, number>> = { stdout: 1, stderr: 2, error: 3 };

/** The server's side of remotecommand, as k8s.io/apiserver speaks it: written apart from the product's codec. */
export class Channels {
  onInput: ((data: Buffer) => void) | undefined;
  onInputEnd: (() => void) | undefined;
  onResize: ((size: { readonly columns: number; readonly rows: number }) => void) | undefined;
  readonly #session: PodSession;

  constructor(session: PodSession) {
    this.#session = session;
    session.socket.on("message", (data, isBinary) => {
      if (isBinary && Buffer.isBuffer(data)) this.#hear(data);
      else session.socket.close(1003);
    });
    // The client learns that the streams are there.
    void this.send("stdout", Buffer.alloc(0));
  }

  /** Resolves when it is on its way. */
  send(channel: Sent, data: Uint8Array): Promise<void> {
    const { socket } = this.#session;
    return new Promise((resolve) => socket.send(Buffer.concat([Buffer.of(numbers[channel]), data]), () => resolve()));
  }

  /** Says how it ended, and closes. */
  async end(status: object): Promise<void> {
    await this.send("error", Buffer.from(JSON.stringify({ metadata: {}, ...status })));
    this.#session.socket.close(1000);
  }

  /** As the API server tells an exit code. */
  exited(code: number): Promise<void> {
    if (code === 0) return this.end({ status: "Success" });
    const message = `command terminated with non-zero exit code: command terminated with exit code ${code}`;
    const details = { causes: [{ reason: "ExitCode", message: String(code) }] };
    return this.end({ status: "Failure", message, reason: "NonZeroExitCode", details });
  }

  #hear(bytes: Buffer): void {
    const { input, sizes, protocol } = this.#session;
    const [channel, second] = bytes;
    const data = Buffer.from(bytes.subarray(1));
    if (channel === 0) {
      input.push(data);
      this.onInput?.(data);
    } else if (channel === 4) {
      const { Width, Height } = JSON.parse(data.toString()) as { Width: number; Height: number };
      const size = { columns: Width, rows: Height };
      sizes.push(size);
      this.onResize?.(size);
    } else if (channel === 255 && second === 0 && protocol === "v5.channel.k8s.io") {
      this.#session.inputEnded = true;
      this.onInputEnd?.();
    }
  }
}
