import { timingSafeEqual } from "node:crypto";

/** What a connection's client may cancel it with. */
export interface CancelKey {
  /** Stands for a process id; distinct among the open connections. */
  readonly processId: number;
  readonly secret: Buffer;
}

/** From this minor version of the protocol on keys are long (§53.2.8). */
const longKeysFrom = 2;
const shortBytes = 4;
const longBytes = 32;

/** The keys of the open connections. They are our own: those of the database would let a client cancel past us (THREATS.md pg-cancel). */
export class CancelKeys {
  readonly #random: (size: number) => Buffer;
  readonly #open = new Map<number, { readonly secret: Buffer; readonly cancel: () => void }>();

  constructor(random: (size: number) => Buffer) {
    this.#random = random;
  }

  /** Makes the key of a connection; disposing forgets it. `cancel` is called for each CancelRequest with it. */
  enter(minor: number, cancel: () => void): Disposable & CancelKey {
    const processId = this.#freeProcessId();
    const secret = Buffer.from(this.#random(minor < longKeysFrom ? shortBytes : longBytes));
    this.#open.set(processId, { secret, cancel });
    return { processId, secret, [Symbol.dispose]: () => void this.#open.delete(processId) };
  }

  /** Does what a CancelRequest asks for, if its key is right; in equal time if it is not. The client is never told which. */
  cancel(processId: number, secret: Buffer): void {
    const entry = this.#open.get(processId);
    const expected = entry?.secret ?? Buffer.alloc(secret.length);
    if (expected.length === secret.length && timingSafeEqual(expected, secret)) entry?.cancel();
  }

  /** A random one: a guess at the secret must guess whose it is as well. Positive, as some clients take it for a signed number. */
  #freeProcessId(): number {
    for (;;) {
      const processId = this.#random(4).readUInt32BE(0) & 0x7fffffff;
      if (processId !== 0 && !this.#open.has(processId)) return processId;
    }
  }
}
