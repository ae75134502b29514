import type { ClientGate, OpenClientGate } from "../../../packages/sidecar/src/protocols/postgres/entry/client-gate.ts";
import { fatal } from "../../../packages/sidecar/src/protocols/postgres/entry/messages.ts";
import type { Lent } from "../../../packages/sidecar/src/protocols/postgres/lent.ts";

/** What the gates of a test were told. */
export interface Seen {
  readonly cancels: string[];
  readonly gone: string[];
}

const terminated = fatal({ sqlState: "57P01", message: "terminating connection due to administrator command", hint: undefined });

/** A gate that decides nothing: it borrows a session at the first byte and passes every byte on. It stands in for what is behind start-up. */
export function passThrough(seen: Seen): OpenClientGate {
  return (parts) => new PassThrough(parts, seen);
}

class PassThrough implements ClientGate {
  readonly #parts: Parameters<OpenClientGate>[0];
  readonly #seen: Seen;
  readonly #left = new AbortController();
  #waiting: Buffer[] = [];
  #borrowing = false;
  #lent: Lent | undefined;

  constructor(parts: Parameters<OpenClientGate>[0], seen: Seen) {
    this.#parts = parts;
    this.#seen = seen;
  }

  receive(chunk: Buffer): void {
    if (this.#lent) this.#lent.write(chunk);
    else this.#waiting.push(chunk);
    if (!this.#borrowing) void this.#borrow();
  }

  cancel(): void {
    this.#seen.cancels.push(this.#parts.connection);
    void this.#lent?.cancel();
  }

  drained(): void {
    this.#lent?.resume();
  }

  gone(): void {
    this.#seen.gone.push(this.#parts.connection);
    this.#left.abort();
    this.#lent?.giveBack("end", "busy");
  }

  async drain(): Promise<void> {
    this.#parts.client.end(terminated);
  }

  async #borrow(): Promise<void> {
    this.#borrowing = true;
    const { client, upstream } = this.#parts;
    const lent = await upstream(
      {
        data: (chunk) => {
          if (!client.write(chunk)) this.#lent?.pause();
          return client.sent;
        },
        drained: () => {},
        closed: () => client.end(),
      },
      this.#left.signal,
    );
    this.#lent = lent;
    for (const chunk of this.#waiting.splice(0)) lent.write(chunk);
  }
}
