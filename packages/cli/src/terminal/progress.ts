import { countText } from "./quantity.ts";
import type { Terminal } from "./terminal.ts";

/** Tells how far a long reading of records is. */
interface Progress {
  readonly count: (records: number) => void;
  /** Takes what was shown away. */
  readonly end: () => void;
}

const every = 5_000;

/** Shows progress on a terminal; elsewhere nothing. @param done what was done with the records, e.g. `checked`. */
export function showProgress({ stderr }: Terminal, done: string): Progress {
  const clear = "\r\u001b[K";
  const shown = stderr.isTTY === true;
  return {
    count: (records) => {
      if (shown && records % every === 0) stderr.write(`${clear}${countText(records, "record")} ${done}`);
    },
    end: () => {
      if (shown) stderr.write(clear);
    },
  };
}
