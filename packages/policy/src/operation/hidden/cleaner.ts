import type { Hide } from "./hide.ts";
import { hiddenValues } from "./shown-text.ts";

/** Shorter values are taken for one only where they stand alone: in the middle of other text they are anything. */
const leastInside = 6;
/** A line of a longer value (a key in PEM) that is told by itself. */
const leastLine = 12;

/** What stands for a hidden value: nothing in it is one. */
const mark = /\(hidden, (?:sha256:[0-9a-f]{8}, )?\d+ bytes?\)/.source;

/** Longer ones are looked for one by one: no pattern is made of them. */
const mostInPattern = 200;
/** With more values than this nothing is told at all: looking for each would keep everybody waiting. */
const mostTexts = 2000;
const mostLines = 50;

/** Takes hidden values out of what others say of them: a server's message, a copy under another name, what a condition looked at. */
export class Cleaner {
  readonly #hide: Hide;
  /** What is shown for each text. */
  readonly #shown = new Map<string, string>();
  #long: readonly string[] = [];
  #short = new RegExp(mark, "g");

  constructor(hide: Hide) {
    this.#hide = hide;
  }

  /**
   * Remembers the hidden values of a document.
   *
   * @param isSecret - Whether it is a Secret whatever it says of itself.
   */
  learn(text: string, isSecret: boolean): void {
    for (const { text: written, bytes } of hiddenValues(text, isSecret)) {
      const shown = this.#hide(bytes);
      const plain = bytes.toString("utf8");
      const lines = plain.split(/\r?\n/, mostLines).filter((line) => line.length >= leastLine);
      for (const one of [...lines, written, plain, bytes.toString("base64"), JSON.stringify(plain).slice(1, -1)])
        if (one !== "") this.#shown.set(one, shown);
      if (this.#shown.size > mostTexts) return;
    }
    const inside = [...this.#shown.keys()].filter((one) => one.length >= leastInside).sort((a, b) => b.length - a.length);
    this.#long = inside.filter((one) => one.length > mostInPattern);
    const short = inside.filter((one) => one.length <= mostInPattern);
    this.#short = new RegExp([mark, ...short.map(quoted)].join("|"), "g");
  }

  /** A text without them. */
  text(text: string): string {
    if (this.#shown.size > mostTexts) return "(hidden, as there are too many values to look for)";
    const alone = this.#shown.get(text);
    if (alone !== undefined) return alone;
    const rest = this.#long.reduce((all, one) => all.replaceAll(one, () => this.#shown.get(one) ?? ""), text);
    return rest.replace(this.#short, (found) => this.#shown.get(found) ?? found);
  }

  /** Whatever holds texts, without them. */
  value(value: unknown): unknown {
    if (this.#shown.size === 0) return value;
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.value(member)]));
  }
}

/** A text as a pattern that matches it alone. */
function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
