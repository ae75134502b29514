import type { Readable } from "node:stream";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Key } from "./key.ts";
import { KeyReader } from "./key-reader.ts";
import { type Edited, type EditorParts, LineEditor } from "./line-editor.ts";
import type { Given, LineSource } from "./line-source.ts";
import type { Terminal } from "./terminal.ts";

/** What is typed while a line runs is kept up to here, bytes. */
const mostAhead = 4096;
/** At the prompt so much may wait to be drawn. */
const mostWaiting = 64 * 1024;
const keysInATurn = 32;
const interrupt = 0x03;

/** How a paste that no terminal marks is told from somebody who types, milliseconds. */
export interface PastePatience {
  /** What comes so soon after an Enter was not typed after it. */
  readonly enterMs: number;
  /** A question is answered after so long a silence: the rest of a paste is no answer. */
  readonly questionMs: number;
}

/** The lines of a client with a terminal. */
export class EditedLines implements LineSource {
  readonly #input: Readable;
  readonly #terminal: Pick<Terminal, "draw" | "isBehind" | "drained">;
  readonly #keys: KeyReader;
  readonly #editor: LineEditor;
  readonly #onInterrupt: () => void;
  readonly #mostBytes: number;
  #waiting: Buffer = Buffer.alloc(0);
  #asks: ((given: Given) => void) | undefined;
  #isWorking = false;
  readonly #patience: PastePatience;
  #deaf: NodeJS.Timeout | undefined;
  /** Nothing follows what waits. */
  #isLast = false;
  #hasEnded = false;

  /** @param onInterrupt Hears of Ctrl-C while no line is asked for. */
  constructor(
    input: Readable,
    terminal: Pick<Terminal, "draw" | "isBehind" | "drained">,
    parts: Omit<EditorParts, "write"> & { readonly onInterrupt: () => void; readonly patience: PastePatience },
  ) {
    this.#input = input;
    this.#terminal = terminal;
    this.#keys = new KeyReader(parts.mostBytes);
    this.#editor = new LineEditor({ ...parts, write: (text) => terminal.draw(text) });
    this.#onInterrupt = parts.onInterrupt;
    this.#mostBytes = parts.mostBytes;
    this.#patience = parts.patience;
    // What is pasted comes as such (xterm's bracketed paste).
    terminal.draw("\x1b[?2004h");
    input.on("data", (data: Buffer) => this.#take(data));
    input.once("end", () => {
      this.#isLast = true;
      void this.#work();
    });
    input.once("close", () => this.close());
  }

  next(prompt: string, isQuestion = false): Promise<Given> {
    if (this.#hasEnded) return Promise.resolve({ type: "ended" });
    const { promise, resolve } = Promise.withResolvers<Given>();
    this.#asks = resolve;
    this.#editor.begin(prompt);
    if (isQuestion && this.#patience.questionMs > 0) {
      this.#waiting = Buffer.alloc(0);
      this.#deaf = setTimeout(() => {
        this.#deaf = undefined;
      }, this.#patience.questionMs);
    }
    void this.#work();
    return promise;
  }

  resize(columns: number): void {
    this.#editor.resize(columns, this.#asks !== undefined);
  }

  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#deaf);
    this.#terminal.draw("\x1b[?2004l");
    this.#give({ type: "ended" });
    this.#editor[Symbol.dispose]();
  }

  #take(data: Buffer): void {
    if (this.#deaf !== undefined && !data.includes(interrupt)) {
      this.#deaf.refresh();
      this.#terminal.draw("\x07");
      return;
    }
    if (this.#asks === undefined && data.includes(interrupt)) {
      this.#waiting = Buffer.alloc(0);
      this.#onInterrupt();
      return;
    }
    this.#waiting = Buffer.concat([this.#waiting, data]);
    if (this.#asks !== undefined) {
      if (this.#waiting.length > mostWaiting) this.#input.pause();
      void this.#work();
    } else if (this.#waiting.length > mostAhead) {
      this.#waiting = Buffer.alloc(0);
      this.#terminal.draw("\x07");
    }
  }

  /** Does what was typed, as fast as the client takes what is drawn. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#asks !== undefined && this.#waiting.length > 0) {
        if (this.#patience.enterMs > 0 && /[\r\n]$/.test(this.#waiting.subarray(-1).toString("latin1")))
          await sleep(this.#patience.enterMs);
        const data = this.#waiting;
        this.#waiting = Buffer.alloc(0);
        this.#input.resume();
        await this.#press(asTyped(this.#keys.read(data)));
      }
      if (this.#isLast && this.#asks !== undefined) this.close();
    } finally {
      this.#isWorking = false;
    }
  }

  async #press(keys: readonly Key[]): Promise<void> {
    for (const [index, key] of keys.entries()) {
      // What came with an Enter, after it, is not for the next line: nobody had seen its prompt.
      if (this.#asks === undefined) {
        this.#terminal.draw("\x07");
        return;
      }
      this.#pressOne(key);
      if (this.#terminal.isBehind) await this.#terminal.drained();
      if (index % keysInATurn === keysInATurn - 1) await turn();
    }
  }

  #pressOne(key: Key): void {
    if (key.type === "paste") this.#paste(key.text.replace(/\n+$/, ""));
    else this.#edited(this.#editor.press(key));
  }

  #edited(what: Edited): void {
    if (what === "bell") this.#terminal.draw("\x07");
    else if (what === "entered") this.#give({ type: "line", text: this.#editor.entered });
    else if (what !== "edited") this.#give({ type: what });
  }

  /** One line is as if it were typed; several are given together. */
  #paste(text: string): void {
    if (!text.includes("\n")) {
      this.#edited(this.#editor.press({ type: "text", text }));
      return;
    }
    const all = this.#editor.with(text);
    if (Buffer.byteLength(all) > this.#mostBytes) {
      this.#terminal.draw("\x07");
      return;
    }
    this.#editor.leave();
    this.#give({ type: "pasted", text: all });
  }

  #give(given: Given): void {
    const asks = this.#asks;
    this.#asks = undefined;
    asks?.(given);
  }
}

/** Terminals that do not mark what is pasted send it as if it were typed, all at once: lines that come together are one paste. */
function asTyped(keys: readonly Key[]): readonly Key[] {
  const isEnter = (key: Key) => key.type === "key" && key.name === "enter";
  const first = keys.findIndex(isEnter);
  if (first < 0 || !keys.slice(first).some(({ type }) => type === "text")) return keys;
  let text = "";
  for (const key of keys) {
    if (key.type === "text") text += key.text;
    else if (isEnter(key)) text += "\n";
    else if (key.type === "key" && key.name === "tab") text += " ";
    // Somebody's keys, and more after an Enter than that one line.
    else return keys.slice(0, first + 2);
  }
  return [{ type: "paste", text }];
}
