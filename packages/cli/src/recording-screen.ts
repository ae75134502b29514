import { setTimeout as sleep } from "node:timers/promises";
import type { ReadSessionResponse } from "@countersign/rpc";
import { afterDrawing, Drawing } from "./terminal/drawing.ts";
import { visible } from "./terminal/escape.ts";
import { line, type Terminal, write } from "./terminal/terminal.ts";

/** Nobody waits longer for the next thing to happen. */
const longestPauseMs = 2000;

/**
 * Shows a recording on the terminal.
 *
 * @param times how many times as fast; infinite = at once, as it comes.
 */
export async function show(
  { stdout, stderr }: Terminal,
  parts: AsyncIterable<ReadSessionResponse>,
  { times, signal }: { readonly times: number; readonly signal: AbortSignal },
): Promise<void> {
  const drawing = new Drawing();
  let shownMs = 0;
  let last: ReadSessionResponse | undefined;
  try {
    for await (const part of parts) {
      last = part;
      for (const { atMs, text } of outputs(part.lines)) {
        const pauseMs = Math.min(Math.max(atMs - shownMs, 0) / times, longestPauseMs);
        shownMs = atMs;
        if (pauseMs > 1) await sleep(pauseMs, undefined, { signal });
        await write(stdout, drawing.draw(text));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (stdout.isTTY === true) await write(stdout, afterDrawing);
  if (last === undefined) return;
  const { session, erased } = last;
  if (erased > 0) line(stderr, "Parts of this recording were erased.");
  if (!signal.aborted && session?.end !== undefined)
    line(stderr, `The session ended (${visible(session.end.reason)}): ${visible(session.end.message)}`);
}

/** What was shown, of lines of asciicast: untrusted, and what is no event is passed over. */
function* outputs(lines: string): Generator<{ readonly atMs: number; readonly text: string }> {
  for (const one of lines.split("\n")) {
    if (!one.startsWith("[")) continue;
    const event: unknown = JSON.parse(one);
    if (!Array.isArray(event)) continue;
    const [at, type, text]: readonly unknown[] = event;
    if (type === "o" && typeof at === "number" && typeof text === "string") yield { atMs: 1000 * at, text };
  }
}
