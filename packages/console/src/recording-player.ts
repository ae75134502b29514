import { type CastEvent, castEvents, castSize, sizeOf, type TerminalSize } from "./display/cast.ts";
import { type Run, TerminalScreen } from "./display/terminal-screen.ts";

/** So much of a recording is held in the page, characters. */
const mostText = 20_000_000;

/** A recording at one of its moments. */
export class RecordingPlayer implements Disposable {
  readonly events: CastEvent[] = [];
  /** The rest is too long for a page. */
  isCut = false;
  #first: TerminalSize = { columns: 80, rows: 24 };
  #held = 0;
  #drawn = 0;
  #before: Promise<unknown> = Promise.resolve();
  readonly #screen = new TerminalScreen(this.#first);

  /** Takes the next lines of the recording. */
  add(lines: string): void {
    const size = castSize(lines);
    if (size !== undefined) {
      this.#first = size;
      this.#screen.reset(size);
    }
    this.#held += lines.length;
    if (this.#held > mostText) this.isCut = true;
    else for (const event of castEvents(lines)) this.events.push(event);
  }

  get durationMs(): number {
    return this.events.at(-1)?.atMs ?? 0;
  }

  /** When something happens next after a moment. */
  after(ms: number): number | undefined {
    return this.events.find(({ atMs }) => atMs > ms)?.atMs;
  }

  /** Draws it as it was at a moment: one after the other, since the screen draws in its own time. */
  show(ms: number): Promise<readonly (readonly Run[])[]> {
    const shown = this.#before.then(() => this.#show(ms));
    this.#before = shown;
    return shown;
  }

  async #show(ms: number): Promise<readonly (readonly Run[])[]> {
    const last = this.events[this.#drawn - 1];
    if (last !== undefined && last.atMs > ms) {
      this.#screen.reset(this.#first);
      this.#drawn = 0;
    }
    let text = "";
    for (let event = this.events[this.#drawn]; event !== undefined && event.atMs <= ms; event = this.events[++this.#drawn]) {
      if (event.type === "output") text += event.text;
      const size = event.type === "size" ? sizeOf(event) : undefined;
      if (size === undefined) continue;
      await this.#screen.write(text);
      text = "";
      this.#screen.resize(size);
    }
    if (text !== "") await this.#screen.write(text);
    return this.#screen.lines();
  }

  /** All of it, as plain text: what scrolled by and what is on the screen in the end. */
  async text(): Promise<string> {
    using screen = new TerminalScreen(this.#first);
    for (const event of this.events) {
      const size = event.type === "size" ? sizeOf(event) : undefined;
      if (event.type === "output") await screen.write(event.text);
      else if (size !== undefined) screen.resize(size);
    }
    return screen.text();
  }

  [Symbol.dispose](): void {
    this.#screen[Symbol.dispose]();
  }
}
