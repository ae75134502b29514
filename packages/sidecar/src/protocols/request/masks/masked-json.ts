import { setImmediate as turn } from "node:timers/promises";
import { MaskPath } from "./mask-path.ts";

/** Why a text cannot be masked. */
export class Unmaskable extends Error {
  override readonly name = "Unmaskable";
}

/** What stands in the place of a masked value; `null` stays. */
const shown = '"****"';

/** An object or a list that is open. */
interface Open {
  readonly at: MaskPath;
  /** Of an object: the names of its members so far. Of a list: undefined. */
  readonly names: Set<string> | undefined;
  /** Of a list: where the next element stands. */
  next: number;
  /** Of an object: the member whose value comes next. */
  member: string | undefined;
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
/** So many tokens in one turn of the event loop. */
const tokensInOneTurn = 20_000;

/**
 * A JSON text (RFC 8259) with masked values replaced; everything else stays as it was written, numbers too. `JSON.parse` says what is JSON; of a member
 * given twice readers take the first or the last, so that it is not taken.
 *
 * @throws {Unmaskable} says why, without any of the text.
 */
export async function maskedJson(text: string, pointers: readonly string[]): Promise<string> {
  try {
    JSON.parse(text);
  } catch {
    throw new Unmaskable("it is not JSON");
  }
  const parts: string[] = [];
  const open: Open[] = [];
  let kept = 0;
  /** How deep the masked value stands whose end is looked for; undefined outside of one. */
  let hiddenFrom: number | undefined;
  let count = 0;
  const ended = (end: number): void => {
    if (hiddenFrom !== open.length) return;
    hiddenFrom = undefined;
    parts.push(shown);
    kept = end;
  };
  for (const { 0: found, index } of text.matchAll(token)) {
    if (++count % tokensInOneTurn === 0) await turn();
    const top = open.at(-1);
    if (found === "}" || found === "]") {
      open.pop();
      ended(index + 1);
    } else if (found === "," || found === ":") {
      if (found === "," && top !== undefined) top.member = undefined;
    } else if (top?.names !== undefined && top.member === undefined) {
      top.member = nameOf(found, top.names);
    } else {
      const at = top === undefined ? MaskPath.of(pointers) : top.at.child(top.member ?? String(top.next++));
      if (hiddenFrom === undefined && at.isMasked && found !== "null") {
        parts.push(text.slice(kept, index));
        hiddenFrom = open.length;
      }
      if (found === "{" || found === "[")
        open.push({ at, names: found === "{" ? new Set() : undefined, next: 0, member: undefined });
      else ended(index + found.length);
    }
  }
  parts.push(text.slice(kept));
  return parts.join("");
}

function nameOf(found: string, names: Set<string>): string {
  const name = found.includes("\\") ? String(JSON.parse(found)) : found.slice(1, -1);
  if (names.has(name)) throw new Unmaskable("it gives a member twice, of which some readers take the first and some the last");
  names.add(name);
  return name;
}
