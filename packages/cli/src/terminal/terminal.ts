import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";

/** A stream that may be a terminal. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** All that a command touches of the process that it runs in. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  return { env, cwd: process.cwd(), now: Date.now, stdin, stdout, stderr };
}

/** A format of node:util's `styleText`. */
export type Format = Parameters<typeof styleText>[0];

/** Colours a text for a stream: only on a terminal, and not under NO_COLOR. */
export function paint(screen: Screen, format: Format, text: string): string {
  // Only what has the stream interface of node's own terminals can be asked for its colours; everything else gets plain text.
  return screen.isTTY === true ? styleText(format, text, { stream: screen }) : text;
}

/** Writes a line. */
export function line(screen: Screen, text = ""): void {
  screen.write(`${text}\n`);
}

/** Writes a text and waits while the reader is slow. */
export async function write(screen: Screen, text: string): Promise<void> {
  if (!screen.write(text)) await once(screen, "drain");
}

/** Columns of a screen; a generous width when it is not a terminal, so that nothing is cut in a pipe. */
export function width(screen: Screen): number {
  return screen.isTTY === true && screen.columns !== undefined && screen.columns > 0 ? screen.columns : Number.POSITIVE_INFINITY;
}
