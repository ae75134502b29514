import { Socket } from "node:net";
import type { SshAddress } from "./address.ts";

/**
 * What every connection is read into, in the turn in which it is used up. Node makes a buffer for each read otherwise, and the collector has as much
 * to do with those as with the output itself.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** ssh2 decrypts these as they come and holds on to nothing of what it is given; others, and the plain text before the first keys, it keeps parts of. */
const takenAtOnce: ReadonlySet<string> = new Set(["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]);

/** A connection to a target for ssh2 to read. */
export class TargetSocket extends Socket {
  #isTakenAtOnce = false;

  constructor() {
    super({
      onread: {
        buffer: shared,
        callback: (count, { buffer, byteOffset }) => {
          const read = Buffer.from(buffer, byteOffset, count);
          this.emit("data", this.#isTakenAtOnce ? read : Buffer.from(read));
          return true;
        },
      },
    });
  }

  /** Starts to connect. */
  to({ host, port }: SshAddress): this {
    return this.connect({ host, port });
  }

  /** Hears what the target's messages are encrypted with from now on. */
  decryptedBy(cipher: string): void {
    this.#isTakenAtOnce = takenAtOnce.has(cipher);
  }
}
