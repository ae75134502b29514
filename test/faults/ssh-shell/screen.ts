const wide = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFF00-\uFF60\u{1F300}-\u{1FAFF}]/u;
const combining = /\p{M}/u;

/** As much of a terminal as a line editor draws on: letters, wrapping at the last column as xterm does it, and moving about. */
export class Screen {
  readonly #columns: number;
  /** Cells; a row that goes on in the next one is marked. */
  #rows: { cells: string[]; goesOn: boolean }[] = [{ cells: [], goesOn: false }];
  #row = 0;
  #column = 0;
  #wraps = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** What stands on it: rows that were only broken by its width are one line. */
  get lines(): readonly string[] {
    const lines: string[] = [];
    let line = "";
    for (const { cells, goesOn } of this.#rows) {
      line += Array.from({ length: cells.length }, (_, at) => cells[at] ?? " ").join("");
      if (goesOn) continue;
      lines.push(line.trimEnd());
      line = "";
    }
    return lines;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is made of them
    for (const [piece] of text.matchAll(/\x1b\[[?\d;]*[A-Za-z]|\x1b[()].|\x1b.|[^\x1b]/gsu)) {
      if (piece.startsWith("\x1b[")) this.#control(piece.slice(2, -1), piece.at(-1) ?? "");
      else if (piece === "\r") this.#move(this.#row, 0);
      else if (piece === "\n") {
        this.#at(this.#row).goesOn = false;
        this.#move(this.#row + 1, this.#column);
      } else if (piece >= " ") this.#put(piece);
    }
  }

  #control(parameters: string, what: string): void {
    const count = Math.max(Number(parameters.split(";")[0] ?? ""), 1) || 1;
    if (what === "A") this.#move(Math.max(this.#row - count, 0), this.#column);
    else if (what === "B") this.#move(this.#row + count, this.#column);
    else if (what === "C") this.#move(this.#row, Math.min(this.#column + count, this.#columns - 1));
    else if (what === "D") this.#move(this.#row, Math.max(this.#column - count, 0));
    else if (what === "G") this.#move(this.#row, count - 1);
    else if (what === "H") this.#clear();
    else if (what === "J") this.#clearBelow();
  }

  /** To the top, of which nothing that was there is left. */
  #clear(): void {
    this.#rows = [];
    this.#move(0, 0);
  }

  #clearBelow(): void {
    this.#rows.length = this.#row + 1;
    const row = this.#at(this.#row);
    row.cells.length = Math.min(row.cells.length, this.#column);
    row.goesOn = false;
  }

  #put(character: string): void {
    if (combining.test(character)) {
      const { cells } = this.#at(this.#row);
      const before = this.#wraps ? this.#column : this.#column - 1;
      const at = cells[before] === "" ? before - 1 : before;
      cells[at] = `${cells[at] ?? " "}${character}`;
      return;
    }
    const width = wide.test(character) ? 2 : 1;
    if (this.#wraps || this.#column + width > this.#columns) {
      // What a wide letter leaves free at the end is nothing.
      const { cells } = this.#at(this.#row);
      for (let at = this.#column; !this.#wraps && at < this.#columns; at++) cells[at] = "";
      this.#at(this.#row).goesOn = true;
      this.#move(this.#row + 1, 0);
    }
    const { cells } = this.#at(this.#row);
    cells[this.#column] = character;
    if (width === 2) cells[this.#column + 1] = "";
    this.#wraps = this.#column + width === this.#columns;
    this.#column = this.#wraps ? this.#columns - 1 : this.#column + width;
  }

  #move(row: number, column: number): void {
    this.#row = row;
    this.#column = column;
    this.#wraps = false;
    this.#at(row);
  }

  #at(row: number): { cells: string[]; goesOn: boolean } {
    while (this.#rows.length <= row) this.#rows.push({ cells: [], goesOn: false });
    return this.#rows[row] ?? { cells: [], goesOn: false };
  }
}
