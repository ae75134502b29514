import { Ring } from "../ring.ts";
import type { Seal } from "./seal.ts";

/** How many are remembered: a request is read again soon after it was read, or not for long. */
const most = 32;
/** The longest sealed text that is remembered, bytes. */
const longest = 16 * 1024;

interface Opened {
  readonly name: string;
  readonly sealed: Uint8Array;
  readonly value: unknown;
}

/**
 * Remembers what was opened last, for once: a vote reads its request before and after, and what is sealed of it is the same. It is taken from
 * memory only when name and sealed bytes are the same to the last one, so that whatever was changed is opened, or refused, as if it had never
 * been seen. What it gives is shared: nobody may change it. Once given it is forgotten, so that it does not grow old in memory, where it would
 * cost the collections of garbage that hold everybody up.
 */
export function rememberingSeal(seal: Seal): Seal {
  const opened = new Ring<Opened>(most);
  return {
    seal: (name, value) => seal.seal(name, value),
    open(name, sealed) {
      const known = opened.find((one) => one.name === name);
      if (known !== undefined && Buffer.compare(known.sealed, sealed) === 0) {
        opened.forget(known);
        return known.value;
      }
      const value = seal.open(name, sealed);
      if (sealed.length > longest) return value;
      if (known !== undefined) opened.forget(known);
      opened.add({ name, sealed, value });
      return value;
    },
  };
}
