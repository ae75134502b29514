import { createInterface, type Interface, type Key as ReadlineKey } from "node:readline";
import { PassThrough, Writable } from "node:stream";
import type { Key, KeyName } from "./key.ts";

/** What readline does for a key. Only these reach it: others of its keys would stop the whole process (Ctrl-Z) or bring back what was deleted. */
const readlineKeys: Readonly<Partial<Record<KeyName, ReadlineKey>>> = {
  backspace: { name: "backspace" },
  delete: { name: "delete" },
  left: { name: "left" },
  right: { name: "right" },
  home: { name: "home" },
  end: { name: "end" },
  "word-left": { name: "b", meta: true },
  "word-right": { name: "f", meta: true },
  "kill-start": { name: "u", ctrl: true },
  "kill-end": { name: "k", ctrl: true },
  "kill-word": { name: "w", ctrl: true },
  "kill-next-word": { name: "d", meta: true },
  clear: { name: "l", ctrl: true },
};

/** What a line editor needs. */
export interface EditorParts {
  /** To the terminal. */
  readonly write: (text: string) => void;
  readonly columns: number;
  /** How words that begin so may go on; whole words. */
  readonly complete: (beginning: string, isFirst: boolean) => readonly string[];
  /** Earlier lines, oldest first. */
  readonly history: readonly string[];
  readonly mostBytes: number;
}

/** What a key has brought about. */
export type Edited = "edited" | "entered" | "interrupted" | "ended" | "bell";

/**
 * One line on a terminal. Drawing, wrapping and moving is node:readline's, which is given keys, never bytes; history, search and completion are our own,
 * so that what it does is bounded and known.
 */
export class LineEditor implements Disposable {
  readonly #parts: EditorParts;
  readonly #screen: Screen;
  readonly #readline: Interface;
  #draft = "";
  /** From the newest; -1 is the line that is being written. */
  #at = -1;
  #wasTab = false;
  #searched: string | undefined;
  #entered = "";

  constructor(parts: EditorParts) {
    this.#parts = parts;
    this.#screen = new Screen(parts.write, parts.columns);
    const input = new PassThrough();
    this.#readline = createInterface({ input, output: this.#screen, terminal: true, historySize: 0, tabSize: 8 });
  }

  /** As it stands on the screen. */
  get line(): string {
    return this.#readline.line;
  }

  /** The line as it stood when Enter was pressed. */
  get entered(): string {
    return this.#entered;
  }

  /** The line with a text where the cursor is. */
  with(text: string): string {
    const { line, cursor } = this.#readline;
    return line.slice(0, cursor) + text + line.slice(cursor);
  }

  /** Goes below the line, which is given up. */
  leave(): void {
    this.#newLine();
  }

  /** Shows a prompt with an empty line. */
  begin(prompt: string): void {
    this.#at = -1;
    this.#draft = "";
    this.#searched = undefined;
    this.#readline.setPrompt(prompt);
    this.#readline.prompt();
  }

  /** The window has another width: the line is drawn anew, where there is one. */
  resize(columns: number, isShown: boolean): void {
    this.#screen.columns = columns;
    if (isShown) this.#screen.emit("resize");
  }

  /** Does what a key does. A paste must be of one line. */
  press(key: Key): Edited {
    const wasTab = this.#wasTab;
    this.#wasTab = key.type === "key" && key.name === "tab";
    if (key.type === "nothing") return "bell";
    if (key.type !== "key") return this.#insert(key.text);
    const { name } = key;
    if (name !== "search") this.#searched = undefined;
    switch (name) {
      case "enter":
        this.#entered = this.line;
        this.#newLine();
        return "entered";
      case "interrupt":
        this.#write("^C");
        this.#newLine();
        return "interrupted";
      case "end-of-input":
        if (this.line !== "") return this.#press({ name: "delete" });
        this.#newLine();
        return "ended";
      case "up":
        return this.#recall(this.#at + 1);
      case "down":
        return this.#recall(this.#at - 1);
      case "search":
        return this.#search();
      case "tab":
        return this.#complete(wasTab);
      default:
        return this.#press(readlineKeys[name] ?? {});
    }
  }

  [Symbol.dispose](): void {
    this.#readline.close();
  }

  #insert(text: string): Edited {
    this.#searched = undefined;
    if (text === "") return "edited";
    if (Buffer.byteLength(this.line) + Buffer.byteLength(text) > this.#parts.mostBytes) return "bell";
    this.#readline.write(text);
    // A mark that comes after its letter, which was at the end of a row: alone it would be drawn elsewhere.
    if (/\p{M}/u.test(text)) this.#readline.prompt(true);
    return "edited";
  }

  #press(key: ReadlineKey): Edited {
    this.#readline.write(null, key);
    return "edited";
  }

  /** Leaves the line where it is and goes below it. */
  #newLine(): void {
    this.#readline.write(null, { name: "return" });
  }

  #replace(text: string): Edited {
    this.#press({ name: "e", ctrl: true });
    this.#press({ name: "u", ctrl: true });
    if (text !== "") this.#readline.write(text);
    return "edited";
  }

  #recall(at: number): Edited {
    const { history } = this.#parts;
    if (at < -1 || at >= history.length) return "bell";
    if (this.#at === -1) this.#draft = this.line;
    this.#at = at;
    return this.#replace(at === -1 ? this.#draft : (history.at(-1 - at) ?? ""));
  }

  /** The next older line that has what was written; again for one before that. */
  #search(): Edited {
    const { history } = this.#parts;
    const wanted = this.#searched ?? this.line;
    for (let at = this.#at + 1; at < history.length; at++) {
      const line = history.at(-1 - at) ?? "";
      if (!line.includes(wanted) || line === this.line) continue;
      this.#recall(at);
      this.#searched = wanted;
      return "edited";
    }
    return "bell";
  }

  #complete(again: boolean): Edited {
    const before = this.line.slice(0, this.#readline.cursor);
    const beginning = /[^\s;|&()]*$/.exec(before)?.[0] ?? "";
    const isFirst = /(?:^|[;|&(])\s*$/.test(before.slice(0, before.length - beginning.length));
    const found = this.#parts.complete(beginning, isFirst);
    const [first] = found;
    if (first === undefined) return "bell";
    if (found.length === 1) return this.#insert(`${first.slice(beginning.length)} `);
    const common = found.reduce(shared);
    if (common.length > beginning.length) return this.#insert(common.slice(beginning.length));
    if (!again) return "bell";
    const shown = found.slice(0, 50).join("  ");
    this.#write(`\r\n${shown}${found.length > 50 ? "  …" : ""}\r\n`);
    this.#readline.prompt(true);
    return "edited";
  }

  #write(text: string): void {
    this.#screen.write(text);
  }
}

/** What readline draws on. */
class Screen extends Writable {
  columns: number;
  readonly #to: (text: string) => void;

  constructor(to: (text: string) => void, columns: number) {
    super({ decodeStrings: false });
    this.#to = to;
    this.columns = columns;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.#to(String(chunk));
    done();
  }
}

function shared(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return one.slice(0, length);
}
