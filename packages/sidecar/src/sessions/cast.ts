/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What an event of a recording is: output, input, another size, a mark. */
export type CastEvent = "o" | "i" | "r" | "m";

/** What the header of a recording says. */
export interface CastHeader {
  readonly size: TerminalSize;
  /** When it began, milliseconds since the Unix epoch. */
  readonly startedMs: number;
  /** Text of others; players show it. */
  readonly title: string;
  /** Unguessable, so that the hash of a recording that was erased tells nothing about it. Players pass over it. */
  readonly salt: string;
}

/** The first line of a recording in asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2/), with its end. */
export function castHeader({ size, startedMs, title, salt }: CastHeader): string {
  const { columns: width, rows: height } = inBounds(size);
  return `${JSON.stringify({ version: 2, width, height, timestamp: Math.floor(startedMs / 1000), title, salt })}\n`;
}

/** One event with the end of its line. @param ms Since the recording began. */
export function castLine(ms: number, event: CastEvent, data: string): string {
  return `[${(ms / 1000).toFixed(6)},"${event}",${JSON.stringify(data)}]\n`;
}

/** What an `r` event says. */
export function sizeText(size: TerminalSize): string {
  const { columns, rows } = inBounds(size);
  return `${columns}x${rows}`;
}

/** A client may name any number; a player would take memory for it. */
const mostCharacters = 1000;

function inBounds({ columns, rows }: TerminalSize): TerminalSize {
  const bounded = (count: number) => Math.min(Math.max(Math.trunc(count) || 1, 1), mostCharacters);
  return { columns: bounded(columns), rows: bounded(rows) };
}

/**
 * Bytes to the text that asciicast wants. A character that is cut by the end of a piece comes whole with the next one; what is no UTF-8 becomes U+FFFD, once
 * for each longest part of a character that could not go on (the Encoding Standard, as terminals do it).
 */
export class CastText {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** What can be told of the bytes so far; perhaps nothing. */
  add(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What was cut and does not come any more. */
  end(): string {
    return this.#decoder.decode();
  }
}
