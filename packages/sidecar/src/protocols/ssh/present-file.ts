import type { FileAttributes, Outcome, SshFile } from "@countersign/policy";
import type { Connector } from "../connector.ts";

/** What is read of a file to be compared, bytes. */
const mostBytes = 256 * 1024;
/** The kind of file in its mode (stat(2)). */
const kindMask = 0o170_000;
const regularFile = 0o100_000;

/** A file of a target as it is now, looked at with operations that only read. */
export class PresentFile {
  readonly #connector: Connector;
  readonly #role: string;
  readonly #path: string;
  readonly #signal: AbortSignal;

  constructor(connector: Connector, role: string, path: string, signal: AbortSignal) {
    this.#connector = connector;
    this.#role = role;
    this.#path = path;
    this.#signal = signal;
  }

  /** Undefined when there is none. Throws why it cannot be known: that there is none is not concluded from anything else. */
  async attributes(): Promise<FileAttributes | undefined> {
    const { outcome, data } = await this.#run("stat");
    if (outcome.failure?.targetCode === "SSH_FX_NO_SUCH_FILE") return undefined;
    return JSON.parse(whole(outcome, data).toString()) as FileAttributes;
  }

  /** Its content; throws why it cannot be had. */
  async content({ mode = 0, size = 0 }: FileAttributes): Promise<Buffer> {
    // A device or a pipe may never end, or do something when it is read.
    if ((mode & kindMask) !== regularFile) throw new Error("it is no ordinary file.");
    if (size > mostBytes) throw new Error(`the file has ${size} bytes now; up to ${mostBytes} are compared.`);
    const { outcome, data } = await this.#run("read");
    return whole(outcome, data);
  }

  async #run(action: SshFile["action"]): Promise<{ readonly outcome: Outcome; readonly data: Buffer }> {
    const operation: SshFile = { kind: "ssh.file", action, path: this.#path };
    const options = { signal: this.#signal, readOnly: true };
    const dispatch = this.#connector.dispatch(operation, this.#role, { bytes: mostBytes }, options);
    const parts: Buffer[] = [];
    try {
      await dispatch.prepare();
      const outcome = await dispatch.run((chunk) => {
        if (chunk.type === "output") parts.push(Buffer.from(chunk.data));
      });
      return { outcome, data: Buffer.concat(parts) };
    } finally {
      await dispatch.close();
    }
  }
}

function whole({ state, failure }: Outcome, data: Buffer): Buffer {
  if (state === "succeeded") return data;
  throw new Error(failure?.message ?? state);
}
