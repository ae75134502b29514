/** One event of a recording, as far as a player draws it. */
export interface CastEvent {
  /** Since it began, milliseconds. */
  readonly atMs: number;
  readonly type: "output" | "size" | "mark";
  readonly text: string;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const types: Readonly<Record<string, CastEvent["type"]>> = { o: "output", r: "size", m: "mark" };

/** The events of lines of asciicast v2. What was typed is not among them: what the terminal showed of it is. Lines that are no event are passed over. */
export function castEvents(lines: string): readonly CastEvent[] {
  return lines.split("\n").flatMap((line): readonly CastEvent[] => {
    if (!line.startsWith("[")) return [];
    const event: unknown = JSON.parse(line);
    if (!Array.isArray(event)) return [];
    const [at, code, text]: readonly unknown[] = event;
    const type = typeof code === "string" ? types[code] : undefined;
    return type !== undefined && typeof at === "number" && typeof text === "string" ? [{ atMs: 1000 * at, type, text }] : [];
  });
}

/** The size that the header of a recording says; undefined where the lines do not begin with one. */
export function castSize(lines: string): TerminalSize | undefined {
  if (!lines.startsWith("{")) return undefined;
  const header: unknown = JSON.parse(lines.slice(0, lines.indexOf("\n")));
  if (typeof header !== "object" || header === null || !("width" in header) || !("height" in header)) return undefined;
  return inBounds({ columns: Number(header.width), rows: Number(header.height) });
}

/** What an event says about the size. */
export function sizeOf({ text }: CastEvent): TerminalSize | undefined {
  const [, columns, rows] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  return columns === undefined || rows === undefined ? undefined : inBounds({ columns: Number(columns), rows: Number(rows) });
}

/** A recording could name any size; a screen takes memory for it. */
function inBounds({ columns, rows }: TerminalSize): TerminalSize {
  const bounded = (count: number, most: number) => Math.min(Math.max(Math.trunc(count) || 1, 1), most);
  return { columns: bounded(columns, 500), rows: bounded(rows, 200) };
}
