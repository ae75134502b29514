import { type IBufferCell, Terminal } from "@xterm/headless";
import type { TerminalSize } from "./cast.ts";

/** Text of one look. */
export interface Run {
  readonly text: string;
  /** Classes of its look, e.g. `fg-1 bold`. */
  readonly look: string;
  /** Colours that no class has. */
  readonly colour?: string;
  readonly background?: string;
}

/** So many lines above the screen are kept for the plain text. */
const scrollback = 5000;

/**
 * The screen of a terminal in memory. What is written to it is drawn, and nothing else: nobody hears its answers, titles, links or clipboard, and what it
 * shows is text for the page.
 */
export class TerminalScreen implements Disposable {
  readonly #terminal: Terminal;

  constructor({ columns, rows }: TerminalSize) {
    this.#terminal = new Terminal({ cols: columns, rows, scrollback, allowProposedApi: true, logLevel: "off" });
  }

  /** Resolves when it is drawn. */
  write(text: string): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(text, resolve));
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#terminal.resize(columns, rows);
  }

  /** As it was in the beginning, with a size. */
  reset(size: TerminalSize): void {
    this.#terminal.reset();
    this.resize(size);
  }

  /** What is on the screen, line by line. */
  lines(): readonly (readonly Run[])[] {
    const { active } = this.#terminal.buffer;
    const cell = active.getNullCell();
    return Array.from({ length: this.#terminal.rows }, (_, row) => {
      const line = active.getLine(active.baseY + row);
      const runs: Run[] = [];
      for (let column = 0; line !== undefined && column < line.length; column++) {
        const at = line.getCell(column, cell);
        // The second half of a wide character.
        if (at === undefined || at.getWidth() === 0) continue;
        const next = runOf(at);
        const last = runs.at(-1);
        if (last !== undefined && last.look === next.look && last.colour === next.colour && last.background === next.background)
          runs[runs.length - 1] = { ...last, text: last.text + next.text };
        else runs.push(next);
      }
      return runs;
    });
  }

  /** Everything that is kept, as plain text. */
  text(): string {
    const { normal } = this.#terminal.buffer;
    const lines = Array.from({ length: normal.length }, (_, row) => normal.getLine(row)?.translateToString(true) ?? "");
    return lines.join("\n").trimEnd();
  }

  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }
}

function runOf(cell: IBufferCell): Run {
  const [front, back] = cell.isInverse() ? (["bg", "fg"] as const) : (["fg", "bg"] as const);
  const colours = {
    fg: colour(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    bg: colour(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
  };
  const looks = [
    ...named("fg", colours[front]),
    ...named("bg", colours[back]),
    ...(cell.isInverse() ? ["inverse"] : []),
    ...(cell.isBold() ? ["bold"] : []),
    // What was to be hidden is shown all the same.
    ...(cell.isDim() || cell.isInvisible() ? ["dim"] : []),
    ...(cell.isItalic() ? ["italic"] : []),
    ...(cell.isUnderline() ? ["underlined"] : []),
  ];
  const [ink, paper] = [colours[front], colours[back]];
  return {
    text: cell.getChars() || " ",
    look: looks.join(" "),
    ...(typeof ink === "string" && { colour: ink }),
    ...(typeof paper === "string" && { background: paper }),
  };
}

/** Undefined = the terminal's own; a number = one of the sixteen; a text = CSS. */
function colour(isDefault: boolean, isRgb: boolean, value: number): number | string | undefined {
  if (isDefault) return undefined;
  if (isRgb) return `rgb(${value >> 16} ${(value >> 8) & 255} ${value & 255})`;
  if (value < 16) return value;
  if (value >= 232) return `rgb(${[1, 1, 1].map(() => 8 + 10 * (value - 232)).join(" ")})`;
  // The cube of 6 × 6 × 6 of xterm.
  const level = (digit: number) => (digit === 0 ? 0 : 55 + 40 * digit);
  const cube = value - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

function named(place: "fg" | "bg", of: number | string | undefined): readonly string[] {
  return typeof of === "number" ? [`${place}-${of}`] : [];
}
