import { client } from "./frontend.ts";
import type { CaptureWork } from "./gatekeeper.ts";

const headerBytes = 5;

/** The data of a COPY on its way from the client, up to a cap. The server hears nothing of it. */
export class Capture {
  readonly work: CaptureWork;
  readonly #cap: number;
  readonly #parts: Buffer[] = [];
  #size = 0;
  #inMessage = false;
  #over = false;

  constructor(work: CaptureWork, cap: number) {
    this.work = work;
    this.#cap = cap;
  }

  /** Takes a part of a CopyData message; `left` bytes of the message follow. Gives whether all still fits. */
  take(part: Buffer, left: number): boolean {
    const data = this.#inMessage ? part : part.subarray(headerBytes);
    this.#inMessage = left > 0;
    if (this.#over) return false;
    this.#size += data.length;
    if (this.#size > this.#cap) {
      this.#over = true;
      this.#parts.length = 0;
      return false;
    }
    // A small part must not keep a large chunk alive.
    this.#parts.push(Buffer.from(data));
    return true;
  }

  /** CopyDone or CopyFail. */
  end(type: number, reason: string): void {
    if (this.#over) return;
    if (type === client.copyDone) this.work.captured(Buffer.concat(this.#parts));
    else this.work.failed("57014", `COPY from stdin failed: ${reason}`);
  }
}
