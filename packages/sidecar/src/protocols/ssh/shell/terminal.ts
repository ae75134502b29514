import type { ServerChannel } from "ssh2";
import type { Recording } from "../../../sessions/recording.ts";

/** So much may wait for a client that does not read; then nothing more is done for it. */
const mostWaiting = 64 * 1024;

/**
 * After output with control characters: out of a text for the terminal, usual letters, attributes and keys, cursor shown, whole window, no mouse, the first screen.
 * ECMA-48, and xterm's control sequences.
 */
const sane =
  "\x18\x1b\\\x0f\x1b(B\x1b[0m\x1b[4l\x1b[?1l\x1b>\x1b[?7h\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?47l\x1b7\x1b[r\x1b8";

/** The client's side of a shell: everything that it is shown goes through here, in order, and into the recording first. */
export class Terminal {
  /** Without one, marks go to standard error and nothing is coloured. */
  readonly isPty: boolean;
  readonly #channel: ServerChannel;
  readonly #gone = Promise.withResolvers<void>();
  #recording: Pick<Recording, "output"> | undefined;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #bytes = 0;
  #lastByte = 0x0a;
  #isWild = false;
  #isOver = false;

  constructor(channel: ServerChannel, isPty: boolean) {
    this.#channel = channel;
    this.isPty = isPty;
    channel.once("close", () => this.abandon());
  }

  /** Shown so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The client is slow. */
  get isBehind(): boolean {
    return this.#waiting > mostWaiting;
  }

  /** Nothing more is shown. */
  end(): void {
    this.#isOver = true;
  }

  /** From now on everything is recorded before it is shown; undefined for the last words of a session that cannot be recorded. */
  record(recording: Pick<Recording, "output"> | undefined): void {
    this.#recording = recording;
  }

  /** Waits for the client no longer: what it has not taken is lost. */
  abandon(): void {
    this.#gone.resolve();
  }

  /** Resolves when all of it was sent. */
  drained(): Promise<void> {
    return this.#tail;
  }

  /** What the line editor draws. */
  draw(text: string): void {
    void this.#send(Buffer.from(text), "stdout");
  }

  /** A line of ours. */
  say(text: string): void {
    const line = `${text}\n`;
    void this.#send(Buffer.from(this.isPty ? line.replaceAll("\n", "\r\n") : line), this.isPty ? "stdout" : "stderr");
  }

  /** What a command prints: as it is, but that a terminal in raw mode needs both ends of a line. */
  output(data: Uint8Array, stream: "stdout" | "stderr"): Promise<void> {
    this.#lastByte = data.at(-1) ?? this.#lastByte;
    this.#isWild ||= data.some(
      (byte) => (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) || (byte >= 0x80 && byte < 0xa0),
    );
    return this.#send(this.isPty ? withReturns(data) : data, this.isPty ? "stdout" : stream);
  }

  /** What comes next begins at the left, on a terminal as usual. */
  settle(): void {
    if (!this.isPty) return;
    if (this.#isWild) this.draw(sane);
    if (this.#lastByte !== 0x0a) this.draw("\r\n");
    this.#isWild = false;
    this.#lastByte = 0x0a;
  }

  /** Never rejects: a client that has gone sees nothing, and what cannot be recorded is not shown. */
  #send(data: Uint8Array, stream: "stdout" | "stderr"): Promise<void> {
    if (this.#isOver) return this.#tail;
    this.#waiting += data.length;
    this.#bytes += data.length;
    const recording = this.#recording;
    const sent = this.#tail.then(async () => {
      try {
        await recording?.output(data);
        const to = stream === "stderr" ? this.#channel.stderr : this.#channel;
        if (to.writable)
          await Promise.race([new Promise<void>((resolve) => to.write(data, () => resolve())), this.#gone.promise]);
      } catch {
        // The recording is broken, and says so to whoever runs the session.
      } finally {
        this.#waiting -= data.length;
      }
    });
    this.#tail = sent;
    return sent;
  }
}

function withReturns(data: Uint8Array): Uint8Array {
  const ends = data.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 0);
  if (ends === 0) return data;
  const out = new Uint8Array(data.length + ends);
  let at = 0;
  for (const byte of data) {
    if (byte === 0x0a) out[at++] = 0x0d;
    out[at++] = byte;
  }
  return out;
}
